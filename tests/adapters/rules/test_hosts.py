"""Each vendor's host, paths and key variables, as its documentation states them."""

import re

import pytest

from adapters.registry import BY_CATALOG, BY_NAME

SHEETS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "kimi": (
        {"cn": "https://api.moonshot.cn/v1", "intl": "https://api.moonshot.ai/v1"},
        ("MOONSHOT_API_KEY", "KIMI_API_KEY"),
    ),
    "qwen": (
        {
            "cn": "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "intl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
            "hk": "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
            "finance": "https://dashscope-finance.aliyuncs.com/compatible-mode/v1",
        },
        ("DASHSCOPE_API_KEY",),
    ),
    "ernie": ({"cn": "https://qianfan.baidubce.com/v2"}, ("QIANFAN_API_KEY", "QIANFAN_BEARER_TOKEN")),
    "hunyuan": (
        {"cn": "https://tokenhub.tencentmaas.com/v1", "intl": "https://tokenhub-intl.tencentmaas.com/v1"},
        ("TOKENHUB_API_KEY",),
    ),
    "hunyuan_classic": ({"cn": "https://api.hunyuan.cloud.tencent.com/v1"}, ("HUNYUAN_API_KEY",)),
    "deepseek": ({"cn": "https://api.deepseek.com"}, ("DEEPSEEK_API_KEY",)),
    "zhipu": (
        {"cn": "https://open.bigmodel.cn/api/paas/v4", "intl": "https://api.z.ai/api/paas/v4"},
        ("ZHIPUAI_API_KEY", "ZAI_API_KEY", "BIGMODEL_API_KEY"),
    ),
    "minimax": ({"cn": "https://api.minimaxi.com/v1", "intl": "https://api.minimax.io/v1"}, ("MINIMAX_API_KEY",)),
    "doubao": (
        {
            "cn": "https://ark.cn-beijing.volces.com/api/v3",
            "intl": "https://ark.ap-southeast.bytepluses.com/api/v3",
        },
        ("ARK_API_KEY",),
    ),
    "openai_compatible": ({}, ()),
    "yi": ({"cn": "https://api.lingyiwanwu.com/v1", "intl": "https://api.01.ai/v1"}, ("YI_API_KEY", "ZEROONE_API_KEY")),
    "sensenova": ({"cn": "https://api.sensenova.cn/compatible-mode/v1"}, ("SENSENOVA_API_KEY",)),
    "pangu": (
        {"cn": "https://api.modelarts-maas.com/v2", "hk": "https://api-ap-southeast-1.modelarts-maas.com/v2"},
        ("HUAWEI_MAAS_API_KEY",),
    ),
    "siliconflow": (
        {"cn": "https://api.siliconflow.cn/v1", "intl": "https://api.siliconflow.com/v1"},
        ("SILICONFLOW_API_KEY",),
    ),
    "openrouter": ({"intl": "https://openrouter.ai/api/v1"}, ("OPENROUTER_API_KEY",)),
    "ollama": ({"local": "http://localhost:11434/v1"}, ()),
    "vllm": ({"local": "http://localhost:8000/v1"}, ()),
    "sglang": ({"local": "http://localhost:30000/v1"}, ()),
    "llamacpp": ({"local": "http://localhost:8080/v1"}, ()),
    "lmstudio": ({"local": "http://localhost:1234/v1"}, ()),
    "xinference": ({"local": "http://localhost:9997/v1"}, ()),
}
LOCAL = ("ollama", "vllm", "sglang", "llamacpp", "lmstudio", "xinference")
PATHS = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "moderations": "/moderations",
}
SERVED = {
    **{key: {"chat"} for key in ("kimi", "deepseek", "minimax", "yi", "sensenova")},
    **{key: {"chat", "completions", "embeddings"} for key in (*LOCAL, "openrouter")},
    "openai_compatible": set(PATHS),
}
"""What a vendor serves, where it is not chat and embeddings."""


def test_the_facts_below_are_those_of_every_vendor() -> None:
    assert set(SHEETS) == set(BY_CATALOG)


@pytest.mark.parametrize("name", SHEETS)
def test_a_vendor_is_called_at_its_hosts_with_the_key_of_its_variables(name: str) -> None:
    vendor = BY_CATALOG[name]
    assert (dict(vendor.base_urls), vendor.key_names) == SHEETS[name]


@pytest.mark.parametrize("name", SHEETS)
def test_a_vendor_serves_these_operations_at_openais_paths(name: str) -> None:
    served = {operation: op.path for operation, op in BY_CATALOG[name].operations.items()}
    assert served == {operation: PATHS[operation] for operation in SERVED.get(name, {"chat", "embeddings"})}


def test_only_kimi_repeats_ids_of_tool_calls() -> None:
    assert {name for name, vendor in BY_CATALOG.items() if vendor.operations["chat"].own_tool_ids} == {"kimi"}


def test_the_usual_edition_of_hunyuan_is_called_tokenhub() -> None:
    hunyuan = BY_NAME["hunyuan"]
    assert hunyuan.of_variant("tokenhub") is hunyuan.of_variant(None) is hunyuan
    assert hunyuan.of_variant("classic") is hunyuan.variants["classic"]
    assert hunyuan.variant_names == ("tokenhub", "classic")
    assert BY_NAME["kimi"].variant_names == ()


def test_the_vendors_whose_keys_are_found_are_tried_in_this_order() -> None:
    ranks = {name: vendor.rank for name, vendor in BY_NAME.items() if not vendor.preset}
    wanted = ["qwen", "kimi", "ernie", "hunyuan", "deepseek", "zhipu", "doubao", "minimax", "openai_compatible"]
    assert sorted(ranks, key=ranks.__getitem__) == wanted
    assert len(set(ranks.values())) == len(ranks)


def test_only_deepseek_serves_the_same_api_under_further_paths() -> None:
    """https://api-docs.deepseek.com/zh-cn/: ``/v1`` for OpenAI's SDK, ``/beta`` for features in beta."""
    found = {name: vendor.optional_paths for name, vendor in BY_CATALOG.items() if vendor.optional_paths}
    assert found == {"deepseek": ("/v1", "/beta")}


def test_the_apis_that_their_vendors_have_closed_have_the_day_and_what_to_use_instead() -> None:
    closed = {name: vendor.closed for name, vendor in BY_NAME.items() if vendor.closed}
    assert {name: [(api.name, api.since) for api in apis] for name, apis in closed.items()} == {
        "ernie": [("native", (2026, 8, 31))],
        "hunyuan": [("native", (2026, 9, 30)), ("classic", (2026, 9, 30))],
    }
    assert all(str(api.instead) for apis in closed.values() for api in apis)


def test_only_a_server_of_ones_own_and_presets_get_requests_unchanged() -> None:
    transparent = {name for name, vendor in BY_CATALOG.items() if vendor.transparent}
    assert transparent == {"openai_compatible", *(name for name, vendor in BY_CATALOG.items() if vendor.preset)}


def test_only_local_servers_need_no_key() -> None:
    assert {name for name, vendor in BY_CATALOG.items() if vendor.keyless} == set(LOCAL)


def test_account_details_in_errors_are_hidden() -> None:
    assert {name for name, vendor in BY_CATALOG.items() if vendor.redacted is not None} == {"kimi", "doubao"}
    pattern = re.compile(str(BY_NAME["kimi"].redacted))
    for text, left in (("org-a1_b2 is over", " is over"), ("org-a1<ak-b2> is over", " is over"), ("an org", "an org")):
        assert pattern.sub("", text) == left
    pattern = re.compile(str(BY_NAME["doubao"].redacted))
    for text, left in (
        (
            "Your account 2100000001 has not activated the model x-32768",
            "Your account  has not activated the model x-32768",
        ),
        ("Your account [2100000001] has reached", "Your account  has reached"),
        ("not authorized on resource: trn:iam::2100000001:user/ann", "not authorized on resource: "),
    ):
        assert pattern.sub("", text) == left


def test_only_kimi_has_the_model_of_our_examples() -> None:
    assert {vendor.example for vendor in BY_CATALOG.values()} == {None, "kimi-k2.6"}
    assert BY_NAME["kimi"].example == "kimi-k2.6"
