"""Rows for error tables that classify errors by their message; a vendor's table has them after its own codes.

Gateways and resellers report an account without funds with 402, 403 or 429, some with 400 or inside 200; most servers
have no code for a prompt that is too long. The messages are from the servers' sources and from public reports of 2023
to 2026: vLLM, SGLang, llama.cpp, LMDeploy, TGI, SiliconFlow, new-api and one-api, OpenRouter, MiniMax, Zhipu, Ark,
Anthropic and xAI.
"""

import re
from collections.abc import Mapping

from adapters.core.failures import FailureRule, Kind, LimitKind


def by_code(kind: Kind, *codes: str, type: str | None = None) -> tuple[FailureRule, ...]:  # noqa: A002 - the member's name
    """Return a row for each code; a code that ends in ``*`` is a prefix. ``type``: the type that the rows also require."""
    return tuple(FailureRule(kind, code=code, type=type) for code in codes)


MINIMAX_CODES: Mapping[Kind, tuple[str, ...]] = {
    "rate_limited": ("1002", "2045"),
    "key_refused": ("1004", "2049"),
    "no_funds": ("1008", "2056"),
    "inspection": ("1026", "1027"),
    "vendor_error": ("1000", "1001", "1013", "1024", "1033"),
    "bad_request": ("1042", "2013"),
}
"""MiniMax' error codes (the vendor's page of errors), but for those of named limits. Resellers pass them on."""

MINIMAX_LIMITS: Mapping[LimitKind, str] = {"tokens_per_minute": "1039", "concurrency": "1041"}
"""MiniMax' codes of rate limits that they name."""

MINIMAX_TOO_LONG = "context window exceeds limit"
"""MiniMax' message for a prompt that is too long, with the code 2013 (public reports of 2026)."""

MINIMAX_UNKNOWN_MODEL = re.compile(r"\Ainvalid params, unknown model '")
"""MiniMax' message for a model that it does not have, with the code 2013 (public reports of 2026)."""

MINIMAX_INSIDE_200 = (
    FailureRule("model_not_found", type="base_resp", words=MINIMAX_UNKNOWN_MODEL),
    FailureRule("context", type="base_resp", text=MINIMAX_TOO_LONG),
    *(FailureRule("rate_limited", code=code, type="base_resp", limit=kind) for kind, code in MINIMAX_LIMITS.items()),
    *(rule for kind, codes in MINIMAX_CODES.items() for rule in by_code(kind, *codes, type="base_resp")),
)
"""The codes of MiniMax' ``base_resp``, which comes inside 200."""

MONEY = frozenset({200, 400, 401, 402, 403, 422, 429})
"""Statuses with which servers report an account without funds."""
TOO_LONG = frozenset({200, 400, 413, 422})
"""Statuses with which servers report a prompt that is too long."""

RATE = re.compile(
    r"per[ -](?:second|sec|minute|min|hour)\b|/min\b|\b[rtq]p[sm]\b|rate.?limit|too many requests"
    r"|(?:retry|try again|wait) (?:in|after|for) \d|每分钟|每秒|频率|频繁|并发|限流|速率",
    re.IGNORECASE,
)
"""Words of a temporary rate limit, in a message that may call it a quota."""

EMPTY_ACCOUNT = re.compile(
    r"insufficient[ _](?:(?:account|user|wallet|token)[ _])?(?:balance|funds?|credits?)\b"
    r"|\b(?:balance|credits?|credit (?:balance|limit)|funds?)\b(?:[^.,;]|\.\d){0,40}\b"
    r"(?:insufficient|not enough|too low|exhausted|empty|negative|used up|depleted)\b"
    r"|\boverdue (?:balance|payment|bill)|\bin arrears\b|\baccount (?:is |has been )?overdue"
    r"|\b(?:requires?|needs?) more credits|\b(?:out of|not enough) (?:credits?|balance|funds)\b"
    r"|requires paid balance"
    r"|余额(?:不足|已?(?:用尽|用完|耗尽))|欠费|无可用资源包|预扣费额度失败|请(?:先|及时)?充值",
    re.IGNORECASE,
)
"""Words that say explicitly that an account has no funds."""

SPENT_QUOTA = re.compile(
    rf"\A(?!.*(?:{RATE.pattern})).*(?:"
    r"exceeded (?:your |the |its )?(?:\w+ )?quota"
    r"|\bquota (?:is |was |has been |have been )?(?:already )?(?:exceeded|exhausted|used up|not enough|insufficient|depleted)"
    r"|\b(?:insufficient|not enough|out of|no (?:remaining|more)) (?:\w+ )?quota"
    r"|check your (?:plan and )?billing|billing (?:is )?not active"
    r"|额度(?:已|被)?(?:不足|用尽|用完|耗尽|超限)|配额(?:已|被)?(?:不足|用尽|用完|耗尽)"
    r")",
    re.IGNORECASE | re.DOTALL,
)
"""An exhausted quota, in a message that does not mention a second, a minute or an hour."""

NO_FUNDS = (
    *by_code(
        "no_funds",
        "insufficient_user_quota",  # new-api, one-api
        "pre_consume_token_quota_failed",
        "insufficient_quota",
        "insufficient_balance",
        "insufficient_credits",
        "billing_hard_limit_reached",
        "billing_not_active",
        "AccountOverdueError",  # Ark
    ),
    FailureRule("no_funds", type="insufficient_quota"),
    FailureRule("no_funds", type="insufficient_balance"),
    FailureRule("no_funds", status=MONEY, words=EMPTY_ACCOUNT),
    FailureRule("no_funds", status=MONEY, words=SPENT_QUOTA),
)
"""An account without funds, or a quota that does not renew by itself."""

HIDDEN_RATE = FailureRule("rate_limited", status=403, words=RATE)
"""A rate limit with the status of a refused key."""

CONTEXT = (
    FailureRule("context", code="context_length_exceeded"),
    FailureRule("context", code="model_context_window_exceeded"),
    FailureRule("context", type="exceed_context_size_error"),  # llama.cpp
    FailureRule(
        "context",
        status=TOO_LONG,
        words=re.compile(
            # vLLM, OpenAI; SGLang: "The input (N tokens) is longer than the model's context length (N tokens)"
            r"maximum context length|context window exceeds limit"
            r"|(?:longer|greater|larger) than the (?:model'?s )?(?:maximum )?(?:context|model) (?:length|window)"
            r"|exceed(?:s|ed)?(?: the| this)?(?: model'?s?)?(?: maximum| available| max)? context"
            r"|context (?:length|window|size|limit)(?: has been| is| was)? exceeded"
            # SiliconFlow: "length of prompt_tokens (N) must be less than max_seq_len (N)", "max_total_tokens (N) must be …"
            r"|(?:prompt_tokens|max_total_tokens)\b.{0,40}\bmax_seq_len"
            r"|exceeds? (?:the )?max_(?:prompt_tokens|total_tokens|model_len|seq_len)"
            # xAI: "This model's maximum prompt length is N"; TGI: "`inputs` tokens + `max_new_tokens` must be <= N"
            r"|maximum (?:prompt|input) length (?:is|of)|tokens[`'\"\s+]+max_new_tokens[`'\"]? must be <="
            r"|(?:prompt|input|messages?)(?: tokens?)?(?: length)? (?:is |are )?too long"
            r"|input length \S+ exceeds|input token count|reduce the length of (?:the|your) (?:messages|prompt|input)"
            r"|model token limit|上下文(?:长度|窗口).{0,12}(?:超|过长)|超(?:过|出).{0,12}上下文|(?:输入|提示词|prompt).{0,6}(?:过长|超长)",
            re.IGNORECASE,
        ),
    ),
)
"""A prompt that exceeds the model's context."""

BY_MEANING = (*NO_FUNDS, HIDDEN_RATE, *CONTEXT)
"""All of the above: in a table, after the vendor's specific codes and before its generic rows."""
