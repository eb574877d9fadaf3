"""The layering check finds each kind of violation, and only those."""

import pathlib
import tempfile
import unittest

import check_layers


class CheckLayersTest(unittest.TestCase):
    def problems(self, files):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "src"
            for name, text in files.items():
                path = source / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(check_layers.check_includes(source))

    def assert_problem(self, files, words):
        problems = self.problems(files)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])

    def test_includes_along_the_architecture_are_fine(self):
        self.assertEqual(self.problems({
            "core/base/a.hpp": "#include <mutex>\n#include <filesystem>\nstd::filesystem::path p;\n",
            "core/s3/b.cpp": '#include "core/base/a.hpp"\n',
            "ports/p.hpp": '#include <boost/asio/awaitable.hpp>\n#include "core/base/a.hpp"\n',
            "services/link/l.cpp": '#include "ports/p.hpp"\n',
            "adapters/smtp/s.hpp": "",
            "adapters/smtp/s.cpp": '#include <curl/curl.h>\n#include "adapters/smtp/s.hpp"\n#include "ports/p.hpp"\n',
            "apps/s3link/main.cpp": '#include "services/link/l.cpp"\n#include "adapters/smtp/s.cpp"\n',
        }), [])

    def test_core_knows_no_port(self):
        self.assert_problem({"ports/p.hpp": "", "core/base/a.hpp": '#include "ports/p.hpp"\n'}, "core must not include")

    def test_core_does_no_input_or_output(self):
        for header in ("boost/asio.hpp", "boost/beast/http.hpp", "iostream", "thread", "sys/socket.h", "spdlog/spdlog.h"):
            self.assert_problem({"core/base/a.cpp": f"#include <{header}>\n"}, "does no I/O")

    def test_core_asks_no_clock_and_no_environment(self):
        for call in ("std::getenv(\"HOME\")", "std::chrono::system_clock::now()", "std::filesystem::exists(p)"):
            self.assert_problem({"core/base/a.cpp": f"auto x = {call};\n"}, "passed in")

    def test_services_see_no_adapter(self):
        self.assert_problem({"adapters/smtp/s.hpp": "", "services/link/l.cpp": '#include "adapters/smtp/s.hpp"\n'},
                            "services must not include")

    def test_adapters_see_neither_services_nor_each_other(self):
        self.assert_problem({"services/link/l.hpp": "", "adapters/smtp/s.cpp": '#include "services/link/l.hpp"\n'},
                            "adapters must not include")
        self.assert_problem({"adapters/sqlite_store/s.hpp": "", "adapters/smtp/s.cpp":
                             '#include "adapters/sqlite_store/s.hpp"\n'}, "another's")

    def test_core_modules_form_no_circle(self):
        problems = self.problems({"core/a/a.hpp": '#include "core/b/b.hpp"\n', "core/b/b.hpp": '#include "core/a/a.hpp"\n'})
        self.assertTrue(any("circle" in problem for problem in problems), problems)

    def test_an_include_of_nothing_is_found(self):
        self.assert_problem({"apps/s3link/main.cpp": '#include "core/base/gone.hpp"\n'}, "does not exist")


if __name__ == "__main__":
    unittest.main()
