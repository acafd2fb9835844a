"""Zhipu's errors: `{"error": {"code", "message"}}`, the code a string of digits (sheet 6).

Messages are Chinese, and English for `Accept-Language: en` (sheet 1). The Chinese texts are those of the sheet, of the
vendor's table of errors, and of reports by its users, with the names of other parameters. The English texts of `empty`,
`no_messages` and `stops` are invented.
"""

from dataclasses import dataclass, replace
from typing import Any

from emulators.core.responses import Response

JSON = ("content-type", "application/json; charset=UTF-8")


@dataclass(eq=False)
class Refusal(Exception):
    """An error in both languages. `inspected`: whether the content check says what it refuses."""

    status: int
    code: str
    chinese: str
    english: str
    inspected: bool = False

    def response(self, *, in_english: bool) -> Response:
        """Return the error response."""
        body: dict[str, Any] = {"error": {"code": self.code, "message": self.english if in_english else self.chinese}}
        if self.inspected:
            # the vendor's page on content safety: the verdict stands before the error; level 0 is the worst of 0..3
            body = {"contentFilter": [{"level": 1, "role": "user"}], **body}
        return Response.json(self.status, body, [JSON])


def illegal(name: str) -> Refusal:
    """Return the 400 for an invalid parameter (sheet 8: 1214)."""
    english = f"The {name} parameter is illegal. Please check the documentation."
    return Refusal(400, "1214", f"{name}参数非法。请检查文档。", english)


def out_of_range(name: str, low: float, high: int, *, early: bool) -> Refusal:
    """Return the 400 for a number outside its range.

    Sheet 8 has 1214 for it. In 2026 newer models answered 1210 with the range: models older than GLM-4.5 have the first
    here, the others the second, so that a client meets both. The English text has the Chinese range.
    """
    if early:
        return illegal(name)
    bounds = f"限制数值范围[{low:g},{high}]"
    return Refusal(400, "1210", f"{name}参数非法：{bounds}", f"The {name} parameter is illegal.：{bounds}")


def too_precise(name: str) -> Refusal:
    """Return the 400 for a number with more than two decimals."""
    limit = "限制小数点[2]位"
    return Refusal(400, "1210", f"{name}参数非法：{limit}", f"The {name} parameter is illegal.：{limit}")


def empty(path: str) -> Refusal:
    """Return the 400 for an absent member inside a parameter."""
    return Refusal(400, "1214", f"{path}:不能为空", f"{path}: cannot be empty")


def not_received(name: str) -> Refusal:
    """Return the 400 for an absent parameter (sheet 6: 1213)."""
    return Refusal(400, "1213", f"未正常接收到{name}参数。", f"The {name} parameter was not received normally.")


def unsupported_call(method: str) -> Refusal:
    """Return the 400 for a model of another endpoint (sheet 6: 1212)."""
    english = f"Current model does not support {method} call method"
    return Refusal(400, "1212", f"当前模型不支持{method}调用方式", english)


def no_path(path: str) -> Refusal:
    """Return the 404 for an unknown path (sheet 6: 1222, 400 or 404)."""
    return Refusal(404, "1222", f"API {path} 不存在", f"API {path} does not exist")


def repeated(request_id: str) -> Refusal:
    """Return the 400 for a request_id that was used before (sheet 6: 1231)."""
    return Refusal(400, "1231", f"您已有请求：{request_id}", f"You already have a request: {request_id}")


# sheet 6 and 8, one row each
FIXED: dict[str, Refusal] = {
    "bad_key": Refusal(401, "1000", "身份验证失败。", "Authentication Failed"),
    "no_key": Refusal(
        401,
        "1001",
        "Header中未收到Authorization参数，无法进行身份验证。",
        "Authentication parameter not received in Header, unable to authenticate",
    ),
    "bad_token": Refusal(
        401,
        "1002",
        "Authorization Token非法，请确认Authorization Token正确传递。",
        "Authorization Token is invalid, please ensure that the Authorization Token is correctly provided.",
    ),
    "expired_token": Refusal(
        401,
        "1003",
        "Authentication Token已过期，请重新生成/获取",
        "Authentication Token expired, please regenerate/obtain",
    ),
    "forged_token": Refusal(
        401,
        "1004",
        "通过Authentication Token的验证失败",
        "Authentication with the provided Authentication Token failed",
    ),
    "quota": Refusal(
        429, "1113", "余额不足或无可用资源包,请充值。", "Insufficient balance or no resource package. Please recharge."
    ),
    "call": Refusal(
        400, "1210", "API 调用参数有误，请检查文档。", "Invalid API parameter, please check the documentation."
    ),
    "picture": Refusal(400, "1210", "图片输入格式/解析错误", "图片输入格式/解析错误"),
    "only_text": Refusal(
        400,
        "1210",
        "messages.content.type 参数非法，取值范围 ['text']",
        "messages.content.type 参数非法，取值范围 ['text']",
    ),
    # sheet 4b
    "always_thinks": Refusal(
        400,
        "1210",
        "该模型始终思考，不支持关闭思考；请使用 low、high 或 max。",
        "This model always engages in thinking and cannot be disabled; please use low, high, or max",
    ),
    "model_missing": Refusal(
        400, "1211", "模型不存在，请检查模型代码。", "Unknown Model, please check the model code."
    ),
    "messages": Refusal(
        400,
        "1214",
        "messages 参数非法。请检查文档。",
        "The messages parameter is illegal. Please check the documentation.",
    ),
    "no_messages": Refusal(400, "1214", "输入不能为空", "Input cannot be empty"),
    "role": Refusal(400, "1214", "角色信息不正确", "Incorrect role information"),
    # sheet 7
    "tool_choice": Refusal(400, "1214", "tool_choice 参数非法。请检查文档", "Tool choice must be auto"),
    # sheet 4a: one stop word; this text is of January 2024
    "stops": Refusal(400, "1214", "stop:最大只能有1个停止词", "stop: at most 1 stop word"),
    "texts": Refusal(400, "1214", "input数组最大不得超过64条", "input array max 64"),
    "context": Refusal(400, "1261", "Prompt 超长", "Prompt exceeds max length"),
    "inspection": Refusal(
        400,
        "1301",
        "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。",
        "System detected potentially unsafe or sensitive content in input or generation.",
        inspected=True,
    ),
    "concurrency": Refusal(429, "1302", "您的账户已达到速率限制，请您控制请求频率", "Rate limit reached for requests"),
    "frequency": Refusal(
        429,
        "1303",
        "您当前使用该API的频率过高，请降低频率，或联系客服增加限额。",
        "High frequency usage of this API, please reduce the frequency",
    ),
    "overloaded": Refusal(
        429,
        "1305",
        "该模型当前访问量过大，请您稍后再试",
        "The service may be temporarily overloaded, please try again later",
    ),
    "error_500": Refusal(500, "500", "内部错误", "Internal Error"),
}


def fixed(name: str) -> Refusal:
    """Return a copy of one of `FIXED`."""
    return replace(FIXED[name])
