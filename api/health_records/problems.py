"""What can stand against correcting a test."""

from api.foundation.problems import Problem


class DiagnosticTestDiscarded(Problem):
    """A test that counts no more is not corrected."""

    status = 409
    title = "检测记录已作废"
    detail = "这条检测记录已作废,不能再更正;如需补记,请重新登记。"
