"""``banjia help`` explains every error code in both languages, without a network or a file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.cli.help_codes import FILES, codes, explanation, texts
from proxy.i18n.negotiate import Language
from tests.project.pages.documents import ROOT
from tests.project.pages.test_error_page import codes as codes_of_requests
from tests.proxy.cli.conftest import KIMI_KEY, Run

LANGUAGES: tuple[Language, ...] = ("en", "zh")
HELPED = re.compile(r" \(banjia help ([\w-]+)\)$")
ALL = [code for file in FILES for code in codes(file)]


def written() -> Iterator[str]:
    """The codes of the configuration and the start that the source gives to errors."""
    for part in ("config", "proxy"):
        for path in (ROOT / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
                if re.fullmatch(r"config-[a-z-]+", text) or text in codes("start"):
                    yield text


def test_every_code_of_a_request_is_explained() -> None:
    assert set(codes("errors")) == codes_of_requests()


def test_every_code_of_the_configuration_and_the_start_is_explained_and_no_other() -> None:
    assert set(written()) - {"config-", "config-reader"} == set(codes("start"))


@pytest.mark.parametrize("file", FILES)
def test_both_languages_explain_the_same_codes_in_the_same_order(file: str) -> None:
    assert list(texts(file, "en")) == list(texts(file, "zh"))


@pytest.mark.parametrize("code", ALL)
def test_a_code_is_explained_in_plain_text(code: str, banjia: Run) -> None:
    for language in LANGUAGES:
        shown = banjia("help", code, env={"BANJIA_LANG": language, "COLUMNS": "80"}).stdout
        assert shown.startswith(f"{code}\n\n")
        assert not re.search(r"`|\*\*|\]\(", shown)
        assert len(explanation(code, language) or "") > 20
        assert bool(re.search(r"[\u4e00-\u9fff]{4}", shown)) == (language == "zh") or code == "insufficient_quota"


@pytest.mark.parametrize("name", [name for name in main.commands if name != "help"])
def test_help_of_a_command_is_what_its_option_shows(name: str, banjia: Run) -> None:
    shown, option = (banjia(*args).stdout for args in (("help", name), (name, "--help")))
    assert shown.split() == option.split()


def test_help_alone_lists_every_command_and_every_code(banjia: Run) -> None:
    shown = banjia("help").stdout
    assert [name for name in [*main.commands, *ALL] if name not in shown] == []


@pytest.mark.parametrize(
    ("topic", "near"),
    [("model_not_fond", "model_not_found"), ("port-in-user", "port-in-use"), ("unknown-key", "config-unknown-key"),
     ("serv", "serve"), ("Port-In-Use", "port-in-use")],
)  # fmt: skip
def test_an_unknown_topic_ends_with_2_and_names_the_nearest(topic: str, near: str, banjia: Run) -> None:
    ended = banjia("help", topic)
    assert ended.exit_code == 2
    assert f"did you mean '{near}'?" in ended.stderr
    assert "'banjia help' lists them" in banjia("help", "xyzzy").stderr


WRONG = {
    "config-unknown-key": "vendrs: {}",
    "config-syntax": "vendors: {kimi: {api_key: x}",
    "config-invalid-value": "version: 2",
    "config-missing-key": "vendors: {a: {kind: openai_compatible, api_key: none}}",
    "config-unknown-vendor": "vendors: {kimmi: {api_key: '${KEY}'}}",
    "config-unknown-model": "vendors: {kimi: {api_key: '${KEY}', catalog: {stand_ins: {gpt-4o: {model: kimi-k2.7}}}}}",
    "config-unset-variable": "server: {listen: '${NOWHERE}'}\nvendors: {kimi: {api_key: '${KEY}'}}",
    "config-not-yet": "vendors: {kimi: {api_key: '${KEY}', protocol: native}}",
    "config-open-to-network": "server: {listen: '0.0.0.0:8080'}\nvendors: {kimi: {api_key: '${KEY}'}}",
    "config-too-large": "x: " + "[" * 200,
    "config-no-vendor-key": "vendors: {kimi: {api_key: '${NONE}'}}",
}


@pytest.mark.parametrize("code", WRONG)
def test_a_mistake_in_the_file_ends_with_the_command_that_explains_it(code: str, banjia: Run) -> None:
    Path("banjia.yaml").write_text(WRONG[code])
    ended = banjia("check", env={"KEY": KIMI_KEY})
    assert ended.exit_code == 2
    found = [HELPED.search(line) for line in ended.stderr.splitlines()]
    assert all(found), ended.stderr
    assert code in [match[1] for match in found if match], ended.stderr
    chinese = banjia("check", env={"KEY": KIMI_KEY, "BANJIA_LANG": "zh"}).stderr
    assert f"（详见 banjia help {code}）" in chinese
    assert "banjia help" not in chinese.replace("（详见 banjia help", "")


def test_a_file_that_is_not_there_and_a_variable_that_is_unknown_have_codes(banjia: Run) -> None:
    assert banjia("check", "none.yaml").stderr.endswith("(banjia help config-unreadable)\n")
    ended = banjia("check", env={"BANJIA_SERVR__LISTEN": "x", "MOONSHOT_API_KEY": KIMI_KEY})
    assert ended.stderr.endswith("(banjia help config-unknown-variable)\n")
    assert banjia("check").stderr.endswith("(banjia help config-no-vendor-key)\n")
