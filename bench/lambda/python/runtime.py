"""Runs handler.py as the managed Python runtime does: poll, call, answer, over one connection.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import http.client
import json
import os
import traceback

from handler import handler

PREFIX = "/2018-06-01/runtime/invocation/"


def exchange(connection, method, path, document=None):
    headers = {} if document is None else {"Content-Type": "application/json"}
    body = None if document is None else json.dumps(document)
    if document and "errorType" in document:
        headers["Lambda-Runtime-Function-Error-Type"] = document["errorType"]
    connection.request(method, PREFIX + path, body, headers)
    answer = connection.getresponse()
    return answer.headers, answer.read()


def main():
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        headers, body = exchange(connection, "GET", "next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            answer = handler(json.loads(body), None)
        except Exception as error:
            traceback.print_exc()
            exchange(connection, "POST", f"{request_id}/error",
                     {"errorType": type(error).__name__, "errorMessage": str(error)})
        else:
            exchange(connection, "POST", f"{request_id}/response", answer)


main()
