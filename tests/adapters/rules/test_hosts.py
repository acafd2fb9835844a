"""Each vendor's host, paths and key variables, as its documentation states them."""

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
    "openai_compatible": ({}, ()),
}
PATHS = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "moderations": "/moderations",
}
SERVED = {"kimi": {"chat"}, "openai_compatible": set(PATHS)}
"""What a vendor serves, where it is not chat and embeddings."""


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
