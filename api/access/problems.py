"""What can go wrong at the gate, told so that neither an account nor a post is given away."""

from typing import ClassVar

from api.foundation.problems import Problem


class SignInRefused(Problem):
    """Wrong account, wrong password, disabled account: one answer, so that none is revealed."""

    status = 401
    title = "登录失败"
    detail = "账号或密码不正确，或账号已停用。"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class NoPost(Problem):
    """The person is who they say, but holds no post now: there is nothing to enter as (M1.3)."""

    status = 403
    title = "没有任职"
    detail = "您目前没有任何任职，请联系上级网格长安排任职后再登录。"


class PostChoiceNeeded(Problem):
    """Several posts, none chosen; `posts` lists them. Answered only after the right password."""

    status = 409
    title = "请选择任职"
    detail = "您有多个任职，请选择其中一个登录。"


class RefreshTokenUsed(Problem):
    """A refresh token came a second time, so one of the two was stolen: the session is over."""

    status = 401
    title = "登录已失效"
    detail = "登录凭证被重复使用，为安全起见已退出登录，请重新登录。"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class PasswordTooWeak(Problem):
    """The new password is one that would be guessed."""

    status = 422
    title = "密码不符合要求"
    detail = "密码至少10个字符，不能与账号、电话或原密码相同，也不能是常见密码。"


class PasswordWrong(Problem):
    """The present password was not given rightly, so it is not replaced."""

    status = 422
    title = "原密码不正确"
    detail = "原密码不正确，密码没有修改。"
    pointer = "/body/current"


class AccountNameTaken(Problem):
    """Account names are unique in the whole installation, whatever the township."""

    status = 409
    title = "账号名已被使用"
    detail = "该账号名已被使用，请换一个。"
    constraints = ("uq_accounts_name",)
    pointer = "/body/name"


class AccountExists(Problem):
    """The worker can sign in already; a forgotten password is reset, not opened anew."""

    status = 409
    title = "已有账号"
    detail = "该人员已有登录账号；如忘记密码，请重置密码。"
    constraints = ("pk_accounts",)


class PhoneHasAccount(Problem):
    """Another account signs in with this worker's phone, perhaps the same person elsewhere."""

    status = 409
    title = "电话已有账号"
    detail = "该人员的电话已用于另一个账号（可能在其他乡镇），请先核实电话，或由原乡镇停用该账号。"
    constraints = ("uq_accounts_phone_lookup",)


class ServesElsewhere(Problem):
    """The account also opens doors of another township, which this one does not decide about."""

    status = 409
    title = "账号涉及其他乡镇"
    detail = "该人员的账号同时用于其他乡镇，不能由本乡镇开通、重置或停用。"


class AccountAboveYou(Problem):
    """Whoever sets a password could enter with it: nobody may for a post beyond their own."""

    status = 403
    title = "须由上级办理"
    detail = (
        "该人员的任职高于您，或有任职不在您的网格范围内，其账号须由上级办理；"
        "系统管理员的由系统管理员办理。"
    )
