"""GET /_/metrics of the real server, after real uploads, failures and mails: exact counts, as Prometheus reads them.

A request is counted when it is over, which its client may hear of first: so counts are waited for, and are exact then.
"""

import concurrent.futures
import json
import re
import threading

import pytest
from prometheus import parse, promtool, scrape
from raw_s3 import request
from relays import ScriptedRelay
from s3link_harness import REPOSITORY, free_port, wait_until

DASHBOARD = REPOSITORY / "deploy" / "grafana" / "s3link.json"
RULES = REPOSITORY / "deploy" / "prometheus" / "s3link.rules.yml"
RECIPIENT = "you@example.test"
ADMIN = "admin@example.test"


@pytest.fixture
def relay():
    with ScriptedRelay(users=("you", "admin")) as relay:
        yield relay


@pytest.fixture
def mailing(make_server, relay):
    """A server that mails through `relay`; further settings may be given."""
    return lambda **settings: make_server(
        settings={"email.transport": f"smtp://127.0.0.1:{relay.port}", "email.recipient": RECIPIENT, **settings})


def shows(server, expected, timeout=30):
    """Scrapes until every {(name, label=value, …): number} of `expected` is met; returns that scrape."""
    missing = {}

    def all_met():
        nonlocal missing
        seen = scrape(server)
        missing = {key: seen.value(key[0], **dict(key[1:])) for key, number in expected.items()
                   if seen.value(key[0], **dict(key[1:])) != number}
        return seen if not missing else None

    return wait_until(all_met, timeout, lambda: f"{ {key: expected[key] for key in missing} }, found {missing}",
                      interval=0.05)


def put(server, key, body, bucket=None):
    answer = request(server, "PUT", f"/{bucket or server.bucket}/{key}", body)
    assert answer.status == 200, answer


def counted(operation, status):
    return ("s3link_requests_total", ("operation", operation), ("status", str(status)))


def outcome(name):
    return ("s3link_deliveries_total", ("outcome", name))


def mails(result):
    return ("s3link_relay_duration_seconds_count", ("result", result))


def test_a_fresh_server_tells_what_it_is(server):
    seen = scrape(server)
    version = server.cli("--version").stdout.split()[-1]
    assert seen.value("s3link_build_info", version=version) == 1
    for name, number in {"s3link_scrape_failed": 0, "s3link_store_writable": 1, "s3link_outbox_events": 0,
                         "s3link_outbox_oldest_age_seconds": 0, "s3link_dead_letters": 0,
                         "s3link_http_max_connections": 4096, "s3link_access_log_lost_lines_total": 0}.items():
        assert seen.value(name) == number, name
    assert seen.labelled("s3link_alarm_state", "alarm") == dict.fromkeys(
        ["dead-letters", "oldest-event", "relay-login", "clock", "storage"], 0)
    assert seen.labelled("s3link_clock_state", "state") == {"plausible": 1, "behind": 0, "ahead": 0}
    assert seen.labelled("s3link_deliveries_total", "outcome") == dict.fromkeys(
        ["delivered", "retried", "dead", "dropped", "unrecorded"], 0)
    assert seen.labelled("s3link_stored_objects", "bucket") == {server.bucket: 0, f"{server.bucket}-access-logs": 0}
    assert 0 < seen.value("process_resident_memory_bytes") < seen.value("process_virtual_memory_bytes")
    assert 0 < seen.value("process_open_fds") < seen.value("process_max_fds")
    assert seen.value("process_start_time_seconds") > 1_600_000_000


def test_requests_bytes_and_objects_are_counted_exactly(server):
    for number, size in enumerate((0, 5, 1000, 300_000)):
        put(server, f"file-{number}", b"x" * size)
    assert request(server, "GET", f"/{server.bucket}/file-2").status == 200
    assert request(server, "GET", f"/{server.bucket}/file-3", headers={"Range": "bytes=0-99"}).status == 206
    assert request(server, "HEAD", f"/{server.bucket}/file-3").status == 200
    assert request(server, "GET", f"/{server.bucket}/none").status == 404
    assert request(server, "DELETE", f"/{server.bucket}/file-1").status == 204
    assert request(server, "PUT", "/other-bucket").status == 200
    put(server, "k", b"not counted: of neither bucket", "other-bucket")
    assert server.get(f"/{server.bucket}/file-2").status == 403
    assert server.get("/_/nothing").status == 404
    seen = shows(server, {
        counted("PutObject", 200): 5, counted("GetObject", 200): 1, counted("GetObject", 206): 1,
        counted("HeadObject", 200): 1, counted("GetObject", 404): 1, counted("DeleteObject", 204): 1,
        counted("CreateBucket", 200): 1, counted("unknown", 403): 1, counted("unknown", 404): 1,
        ("s3link_stored_objects", ("bucket", server.bucket)): 3,
        ("s3link_stored_bytes", ("bucket", server.bucket)): 301_000,
        outcome("delivered"): 4,
    })
    assert seen.value("s3link_request_body_bytes_total", operation="PutObject") == 301_005 + 30
    assert seen.value("s3link_response_body_bytes_total", operation="PutObject") == 0
    assert seen.value("s3link_response_body_bytes_total", operation="HeadObject") == 0
    assert seen.value("s3link_response_body_bytes_total", operation="GetObject") > 1100, "and an error document"
    assert seen.value("s3link_request_duration_seconds_count", operation="GetObject") == 3
    assert seen.value("s3link_request_duration_seconds_bucket", operation="GetObject", le="+Inf") == 3
    assert seen.value("s3link_store_sync_duration_seconds_count", what="body") == 1, "only the large one is a file"
    assert seen.value("s3link_store_commit_batch_size_count") == seen.value("s3link_store_commit_duration_seconds_count")
    assert seen.value("s3link_store_commit_batch_size_sum") >= 7
    assert seen.value("s3link_store_failed_transactions_total") == 0
    assert seen.value("s3link_http_accepted_connections_total") >= 13
    assert seen.value("s3link_http_connections") >= 1, "the scraper's own"

    # What is stored is stored after a restart; what was counted begins anew.
    server.stop()
    server.start()
    seen = shows(server, {("s3link_stored_objects", ("bucket", server.bucket)): 3,
                          ("s3link_stored_bytes", ("bucket", server.bucket)): 301_000, outcome("delivered"): 0})
    assert seen.value("s3link_requests_total", operation="PutObject", status="200") is None


def test_mails_failures_dead_letters_and_the_alarm(mailing, relay):
    server = mailing(**{"delivery.first_retry": "1h", "delivery.max_retry": "1h", "alarm.period": "1s",
                        "alarm.dead_letter_threshold": "1", "alarm.email": ADMIN})
    for number in range(3):
        put(server, f"good-{number}", b"x")
    shows(server, {outcome("delivered"): 3, mails("accepted"): 3})
    relay.replies[RECIPIENT] = "550 5.1.1 no such user"
    for number in range(2):
        put(server, f"refused-{number}", b"x")
    shows(server, {outcome("dead"): 2, mails("refused"): 2, ("s3link_dead_letters",): 2})
    relay.replies[RECIPIENT] = "451 4.7.1 later"
    put(server, "late", b"x")
    put(server, "folder/", b"")
    told = ("s3link_alarm_notifications_total", ("subscriber", "email"), ("result", "told"))
    seen = shows(server, {
        outcome("delivered"): 3, outcome("dead"): 2, outcome("retried"): 1, outcome("dropped"): 1,
        mails("accepted"): 3, mails("refused"): 2, mails("failed"): 1, ("s3link_outbox_events",): 1,
        ("s3link_alarm_state", ("alarm", "dead-letters")): 1, ("s3link_alarm_state", ("alarm", "oldest-event")): 0,
        told: 1, ("s3link_alarm_notifications_pending", ("subscriber", "email")): 0,
    })
    assert seen.value("s3link_outbox_oldest_age_seconds") > 0
    assert seen.value("s3link_relay_duration_seconds_bucket", result="accepted", le="+Inf") == 3
    assert len(relay.mails("admin")) == 1

    del relay.replies[RECIPIENT]
    dead = sorted(row["event_id"] for row in server.deliveries("dead"))
    server.cli("dlq", "redrive", dead[0])
    server.cli("dlq", "drop", dead[1])
    removed = "s3link_dead_letters_removed_total"
    seen = shows(server, {
        (removed, ("how", "redriven")): 1, (removed, ("how", "dropped")): 1, (removed, ("how", "retention")): 0,
        ("s3link_dead_letters",): 0, outcome("delivered"): 4, mails("accepted"): 4,
        ("s3link_alarm_state", ("alarm", "dead-letters")): 0, told: 2,
    })
    assert seen.value("s3link_requests_total", operation="/_/api/v1/dead-letters/redrive", status="200") == 1


def test_a_subscriber_that_cannot_be_told_is_counted(mailing, relay):
    relay.replies[RECIPIENT] = "550 no"
    server = mailing(**{"alarm.period": "1s", "alarm.dead_letter_threshold": "0",
                        "alarm.webhook": f"http://127.0.0.1:{free_port()}/hook"})
    put(server, "k", b"x")
    wait_until(lambda: (scrape(server).value("s3link_alarm_notifications_total", subscriber="webhook", result="failed")
                        or 0) >= 1, 30, "a failed attempt")
    shows(server, {("s3link_alarm_notifications_pending", ("subscriber", "webhook")): 1,
                   ("s3link_alarm_notifications_total", ("subscriber", "webhook"), ("result", "told")): 0})


def test_the_sweeper_and_the_logs_bucket(make_server):
    server = make_server(settings={"bucket.object_ttl": "2s", "link.expiration": "1s", "access_log.flush_interval": "1s"})
    for number in range(3):
        put(server, f"brief-{number}", b"12345")
    seen = shows(server, {("s3link_sweeper_removed_objects_total",): 3,
                          ("s3link_stored_objects", ("bucket", server.bucket)): 0,
                          ("s3link_stored_bytes", ("bucket", server.bucket)): 0})
    assert seen.value("s3link_sweeper_runs_total", result="done") >= 1
    assert seen.value("s3link_sweeper_runs_total", result="failed") == 0
    assert seen.value("s3link_sweeper_last_run_timestamp_seconds") > seen.value("process_start_time_seconds") - 2
    logs = f"{server.bucket}-access-logs"
    seen = wait_until(lambda: (now := scrape(server)).value("s3link_stored_objects", bucket=logs) and now, 30,
                      "an object of the access log")
    assert seen.value("s3link_stored_bytes", bucket=logs) > 100


def test_heads_of_no_request_are_counted(server):
    from raw_s3 import Connection

    for _ in range(3):
        with Connection(server) as connection:
            connection.send(b"GET / HTTP/1.1\r\n\r\n")
            assert connection.read_answer().status == 400
    shows(server, {("s3link_http_refused_requests_total",): 3})


def test_who_may_read(make_server):
    server = make_server()
    whole = server.get("/_/metrics")
    head = server.get("/_/metrics", method="HEAD")
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 1000
    assert whole.headers["Cache-Control"] == head.headers["Cache-Control"] == "no-store"
    assert server.get("/_/metrics", method="POST").status == 405

    token = "0123456789abcdefghij"
    guarded = make_server(settings={"metrics.token": token}, secrets=[token])
    assert guarded.get("/_/metrics").status == 403
    wrong = guarded.get("/_/metrics", headers={"Authorization": "Bearer " + token[::-1]})
    assert wrong.status >= 400 and b"s3link_" not in wrong.body
    assert scrape(guarded, headers={"Authorization": "Bearer " + token}).value("s3link_store_writable") == 1
    assert request(guarded, "GET", "/_/metrics").status == 200, "a signature will do"
    assert token not in guarded.cli("config", "show").stdout


def test_nothing_names_a_key_a_person_or_an_address(mailing, relay):
    server = mailing(**{"delivery.max_attempts": "1", "alarm.dead_letter_threshold": "0", "alarm.period": "1s",
                        "alarm.email": ADMIN})
    relay.replies[RECIPIENT] = "550 5.1.1 no such user reply-words"
    put(server, "private-folder/private-name.pdf", b"x")
    assert server.get("/private-bucket/private-name?X-Amz-Signature=private-signature").status == 400
    assert server.get("/_/private-path").status == 404
    seen = shows(server, {outcome("dead"): 1, ("s3link_alarm_notifications_total", ("subscriber", "email"),
                                               ("result", "told")): 1, counted("unknown", 400): 1,
                           counted("unknown", 404): 1})
    for secret in ("private", "example.test", "127.0.0.1", "reply-words", server.access_key_id,
                   server.secret_access_key, str(server.data_dir)):
        assert secret not in seen.text, secret
    labels = {label for _, found in seen.samples for label, _ in found}
    assert labels == {"operation", "status", "le", "bucket", "outcome", "result", "how", "what", "alarm", "subscriber",
                      "version", "state", "reason"}


def test_promtool_finds_nothing_wrong(mailing, relay):
    server = mailing()
    promtool("check", "metrics", text=scrape(server).text)
    put(server, "k", b"x")
    request(server, "GET", f"/{server.bucket}/none")
    promtool("check", "metrics", text=shows(server, {outcome("delivered"): 1}).text)


def test_scrapes_during_traffic_lose_no_request(server):
    clients, each = 4, 25
    done = threading.Event()
    scrapes = []

    def upload(client):
        for number in range(each):
            put(server, f"{client}-{number}", b"12345")

    def keep_scraping():
        while not done.is_set():
            scrapes.append(scrape(server))

    with concurrent.futures.ThreadPoolExecutor(clients + 2) as pool:
        scrapers = [pool.submit(keep_scraping) for _ in range(2)]
        uploads = [pool.submit(upload, client) for client in range(clients)]
        for future in uploads:
            future.exception()
        done.set()
        for future in uploads + scrapers:
            future.result()
    total = clients * each
    assert len(scrapes) > 2
    for seen in scrapes:
        assert seen.value("s3link_scrape_failed") == 0
        assert seen.value("s3link_stored_bytes", bucket=server.bucket) == 5 * seen.value("s3link_stored_objects",
                                                                                         bucket=server.bucket)
    seen = shows(server, {counted("PutObject", 200): total, outcome("delivered"): total,
                          ("s3link_stored_objects", ("bucket", server.bucket)): total,
                          ("s3link_request_body_bytes_total", ("operation", "PutObject")): 5 * total})
    # Every scrape but the one under way is counted.
    assert seen.value("s3link_requests_total", operation="/_/metrics", status="200") >= len(scrapes)


# -- the dashboard and the rules ------------------------------------------------------------------------------------

def dashboard_expressions():
    """Every PromQL expression of the dashboard, with what Grafana puts in the place of its variables."""
    def targets(panels):
        for panel in panels:
            yield from (target["expr"] for target in panel.get("targets", ()))
            yield from targets(panel.get("panels", ()))

    return [expression.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")
            for expression in targets(json.loads(DASHBOARD.read_text())["panels"])]


def rule_expressions():
    import yaml

    return [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def metric_names(expression):
    """The metrics a PromQL expression asks for: what is left when texts, matchers, groupings and functions are gone."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    names = re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])", bare)
    return {name for name in names if name not in ("and", "or", "unless", "bool", "offset")}


def test_metric_names_are_found_in_expressions():
    assert metric_names('sum by (a, b) (rate(x_total{job=~"y", z="w"}[5m])) / on (q) m:n > 0.5 and time() - t > 1e3') == {
        "x_total", "m:n", "t"}


def test_dashboard_and_rules_ask_for_what_there_is(server):
    put(server, "k", b"x")
    names = shows(server, {outcome("delivered"): 1}).names()
    asked = [metric_names(expression) for expression in dashboard_expressions() + rule_expressions()]
    assert len(asked) > 60 and all(asked)
    assert set().union(*asked) - names == set()
    ours = {re.sub("_(bucket|sum|count)$", "", name) for name in names if name.startswith("s3link_")}
    shown = {re.sub("_(bucket|sum|count)$", "", name) for one in asked for name in one}
    assert ours - shown == set(), "told, but shown nowhere"


def test_every_expression_of_the_dashboard_parses(tmp_path):
    rules = [{"record": f"panel:number{number}", "expr": expression}
             for number, expression in enumerate(dashboard_expressions())]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_the_dashboard_is_one_that_grafana_takes():
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["id"] is None and dashboard["uid"] == "s3link" and dashboard["schemaVersion"] >= 36
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    ids, places = set(), set()
    for panel in dashboard["panels"]:
        assert panel["id"] not in ids
        ids.add(panel["id"])
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & places, panel["title"]
        places |= cells
        if panel["type"] == "row":
            continue
        assert panel["title"] and panel["fieldConfig"]["defaults"]["unit"] and panel["targets"]
        for item in [panel, *panel["targets"]]:
            assert item["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert set(re.findall(r"\$(?!__)(\w+)", target["expr"])) <= set(variables)


def test_the_alerts_fire_when_they_should():
    assert "rules found" in promtool("check", "rules", RULES)
    promtool("test", "rules", REPOSITORY / "tests" / "integration" / "alert_cases.yml")
