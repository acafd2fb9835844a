"""Huawei Cloud's MaaS (ModelArts Studio): open models behind OpenAI's chat API, with Huawei's error codes.

Source: support.huaweicloud.com (MaaS pages of 2025-07 to 2026-11), as collected in docs/vendors/presets.md. Pangu's own API, which
needs IAM tokens and a URL for each deployment, is not part of it. Checked against the live service: never.
"""

from adapters.core.failures import FailureRule
from adapters.rules.failures import by_code
from adapters.rules.verdicts import Rename
from adapters.vendors.openai_compatible import preset

CN, HK = "https://api.modelarts-maas.com", "https://api-ap-southeast-1.modelarts-maas.com"

PANGU = preset(
    "pangu",
    "Huawei MaaS",
    docs="https://support.huaweicloud.com/maas-modelarts/",
    base_urls={"cn": f"{CN}/v2", "hk": f"{HK}/v2"},
    # The vendor names no variable; others that end in MAAS_API_KEY may hold keys of other products.
    key_names=("HUAWEI_MAAS_API_KEY",),
    chat={"max_completion_tokens": Rename("max_tokens")},
    embeddings={},
    embeddings_urls={"cn": f"{CN}/v1", "hk": f"{HK}/v1"},
    failures=(
        *by_code("key_refused", "ModelArts.81002", "ModelArts.81003"),
        FailureRule("forbidden", code="ModelArts.81004"),
        *by_code("no_funds", "ModelArts.81005", "ModelArts.81006"),
        FailureRule("inspection", code="ModelArts.81011"),
        FailureRule("model_not_found", code="ModelArts.81009"),
        FailureRule(
            "rate_limited", code="ModelArts.81101", limit="requests_per_minute", figure=r"limit is (\d{1,9}) times"
        ),
        FailureRule(
            "rate_limited", code="ModelArts.81103", limit="tokens_per_minute", figure=r"limit is (\d{1,12}) tokens"
        ),
    ),
)
