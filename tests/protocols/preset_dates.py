"""People taken under control on some day, and what each preset makes of them, worked out by hand.

The dates were counted on a calendar, not by the code.
"""

from typing import Any, NamedTuple

CENTRAL = "centralized_quarantine"
HOME = "home_quarantine"
HOME_MONITORING = "home_health_monitoring"
MONITORING = "health_monitoring"
SELF = "self_health_monitoring"


class Told(NamedTuple):
    """A stage as the calendar on the wall would show it: `07-02` is a day of the case's year."""

    category: str
    starts: str
    ends: str
    tests: str = ""


class Case(NamedTuple):
    """Somebody taken under control on a day, and what they go through by which preset."""

    preset: str
    control: str
    facts: dict[str, Any]
    plan: str
    stages: list[Told]
    proven: bool = True


def exposed(kind: str, day: str) -> dict[str, Any]:
    return {"exposure_class": kind, "last_exposure_on": day}


def returned(risk: str, **days: str) -> dict[str, Any]:
    return {"exposure_class": "returnee", "risk_level": risk} | days


CASES = [
    Case(
        "cn_2020_home14",
        "2020-02-05",
        exposed("close_contact", "2020-02-03"),
        "contact_home_14",
        [Told(HOME, "02-05", "02-16")],
    ),
    Case(
        "cn_2020_home14",
        "2020-01-25",
        {
            "exposure_class": "returnee",
            "area_codes": ("420000",),
            "left_risk_area_on": "2020-01-22",
        },
        "returnee_home_14",
        [Told(HOME, "01-25", "02-04")],
    ),
    Case(  # no ticket: from the first day of observation
        "cn_2020_home14",
        "2020-01-25",
        {"exposure_class": "returnee", "area_codes": ("420000",)},
        "returnee_home_14",
        [Told(HOME, "01-25", "02-07")],
        proven=False,
    ),
    Case(  # over a 29 February
        "cn_2020_home14",
        "2020-02-21",
        {
            "exposure_class": "returnee",
            "area_codes": ("429001",),
            "left_risk_area_on": "2020-02-20",
        },
        "returnee_home_14",
        [Told(HOME, "02-21", "03-04")],
    ),
    Case(  # found when the fourteen days were over
        "cn_2020_home14",
        "2020-01-25",
        {
            "exposure_class": "returnee",
            "area_codes": ("420000",),
            "left_risk_area_on": "2020-01-05",
        },
        "returnee_home_14",
        [],
    ),
    Case(
        "cn_rural_2021",
        "2021-02-01",
        returned("none", arrived_on="2021-02-01"),
        "home_monitoring_14",
        [Told(HOME_MONITORING, "02-01", "02-14", "02-07 02-14")],
    ),
    Case(  # reported nine days late
        "cn_rural_2021",
        "2021-02-10",
        returned("none", arrived_on="2021-02-01"),
        "home_monitoring_14",
        [Told(HOME_MONITORING, "02-10", "02-14", "02-14")],
    ),
    Case(  # the day after arrival
        "gx_2022_0118",
        "2022-02-10",
        returned("medium", arrived_on="2022-02-09"),
        "central_14_home_7",
        [
            Told(CENTRAL, "02-10", "02-23", "02-10 02-13 02-16 02-19 02-23"),
            Told(HOME_MONITORING, "02-24", "03-02", "02-25 02-27 03-02"),
        ],
    ),
    Case(  # six days after arrival: still the first tier
        "gx_2022_0118",
        "2022-02-10",
        returned("high", arrived_on="2022-02-04"),
        "central_14_home_7",
        [
            Told(CENTRAL, "02-10", "02-23", "02-10 02-13 02-16 02-19 02-23"),
            Told(HOME_MONITORING, "02-24", "03-02", "02-25 02-27 03-02"),
        ],
    ),
    Case(  # seven days after arrival
        "gx_2022_0118",
        "2022-02-10",
        returned("high", arrived_on="2022-02-03"),
        "central_7_home_7",
        [
            Told(CENTRAL, "02-10", "02-16", "02-10 02-13 02-16"),
            Told(HOME_MONITORING, "02-17", "02-23", "02-18 02-20 02-23"),
        ],
    ),
    Case(  # thirteen days after arrival
        "gx_2022_0118",
        "2022-02-10",
        returned("medium", arrived_on="2022-01-28"),
        "central_7_home_7",
        [
            Told(CENTRAL, "02-10", "02-16", "02-10 02-13 02-16"),
            Told(HOME_MONITORING, "02-17", "02-23", "02-18 02-20 02-23"),
        ],
    ),
    Case(  # fourteen days after arrival
        "gx_2022_0118",
        "2022-02-10",
        returned("medium", arrived_on="2022-01-27"),
        "home_7",
        [Told(HOME_MONITORING, "02-10", "02-16", "02-10 02-16")],
    ),
    Case(  # twenty days after arrival
        "gx_2022_0118",
        "2022-02-10",
        returned("high", arrived_on="2022-01-21"),
        "home_7",
        [Told(HOME_MONITORING, "02-10", "02-16", "02-10 02-16")],
    ),
    Case(
        "gx_2022_0118",
        "2022-02-10",
        returned("low", arrived_on="2022-02-09"),
        "central_7",
        [Told(CENTRAL, "02-10", "02-16")],
    ),
    Case(
        "gx_2022_0118",
        "2022-02-10",
        returned("affected_county", arrived_on="2022-01-27"),
        "self_7",
        [Told(SELF, "02-10", "02-16")],
    ),
    Case(
        "gx_2022_0118",
        "2022-02-10",
        returned("affected_prefecture", arrived_on="2022-02-10"),
        "prefecture_home_7",
        [Told(HOME_MONITORING, "02-10", "02-16", "02-10 02-16")],
    ),
    Case(  # under control on the day of exposure
        "cn_v8",
        "2021-08-01",
        exposed("close_contact", "2021-08-01"),
        "contact_14_7",
        [
            Told(CENTRAL, "08-01", "08-14", "08-01 08-04 08-07 08-14"),
            Told(HOME_MONITORING, "08-15", "08-21", "08-16 08-21"),
        ],
    ),
    Case(
        "cn_v8",
        "2021-08-03",
        exposed("close_contact", "2021-08-01"),
        "contact_14_7",
        [
            Told(CENTRAL, "08-03", "08-14", "08-04 08-07 08-14"),
            Told(HOME_MONITORING, "08-15", "08-21", "08-16 08-21"),
        ],
    ),
    Case(  # traced so late that the first stage is over and the second has begun
        "cn_v8",
        "2021-08-17",
        exposed("close_contact", "2021-08-01"),
        "contact_14_7",
        [Told(HOME_MONITORING, "08-17", "08-21", "08-21")],
    ),
    Case(
        "cn_v8",
        "2021-08-02",
        exposed("secondary_contact", "2021-08-01"),
        "secondary_7",
        [Told(CENTRAL, "08-02", "08-07", "08-04 08-07")],
    ),
    Case(
        "cn_v9",
        "2022-07-02",
        exposed("close_contact", "2022-07-01"),
        "contact_7_3",
        [
            Told(CENTRAL, "07-02", "07-07", "07-02 07-03 07-05 07-07"),
            Told(HOME_MONITORING, "07-08", "07-10", "07-10"),
        ],
    ),
    Case(
        "cn_v9",
        "2022-07-01",
        {"exposure_class": "entrant", "risk_level": "entry", "arrived_on": "2022-07-01"},
        "entrant_7_3",
        [
            Told(CENTRAL, "07-01", "07-07", "07-01 07-02 07-03 07-05 07-07"),
            Told(HOME_MONITORING, "07-08", "07-10", "07-10"),
        ],
    ),
    Case(
        "cn_v9",
        "2022-07-01",
        exposed("secondary_contact", "2022-07-01"),
        "secondary_home_7",
        [Told(HOME, "07-01", "07-07", "07-01 07-04 07-07")],
    ),
    Case(
        "cn_v9",
        "2022-07-04",
        returned("high", left_risk_area_on="2022-07-01", arrived_on="2022-07-02"),
        "high_risk_7",
        [Told(CENTRAL, "07-04", "07-07", "07-05 07-07")],
    ),
    Case(  # over the end of a month
        "cn_v9",
        "2022-07-02",
        returned("medium", left_risk_area_on="2022-06-30", arrived_on="2022-07-01"),
        "medium_risk_home_7",
        [Told(HOME, "07-02", "07-06", "07-03 07-06")],
    ),
    Case(
        "cn_v9",
        "2022-07-01",
        returned("low", arrived_on="2022-07-01"),
        "low_risk_3",
        [Told(MONITORING, "07-01", "07-03", "07-01 07-03")],
    ),
    Case(
        "cn_20m",
        "2022-11-21",
        exposed("close_contact", "2022-11-20"),
        "contact_5_3",
        [
            Told(CENTRAL, "11-21", "11-24", "11-21 11-22 11-24"),
            Told(HOME, "11-25", "11-27", "11-25 11-27"),
        ],
    ),
    Case(
        "cn_20m",
        "2022-11-28",
        {"exposure_class": "entrant", "arrived_on": "2022-11-28"},
        "entrant_5_3",
        [
            Told(CENTRAL, "11-28", "12-02", "11-28 11-29 11-30 12-02"),
            Told(HOME, "12-03", "12-05", "12-03 12-05"),
        ],
    ),
    Case(
        "cn_20m",
        "2022-11-22",
        returned("high", left_risk_area_on="2022-11-20"),
        "high_risk_home_7",
        [Told(HOME, "11-22", "11-26", "11-22 11-24 11-26")],
    ),
    Case(
        "gx_3d2",
        "2022-09-10",
        returned("affected_county", arrived_on="2022-09-10"),
        "three_days_two_tests",
        [Told(HOME_MONITORING, "09-10", "09-12", "09-10 09-12")],
    ),
    Case(  # landed yesterday: the landing test is today's, and the second on the third day
        "gx_3d2",
        "2022-09-11",
        returned("none", arrived_on="2022-09-10"),
        "three_days_two_tests",
        [Told(HOME_MONITORING, "09-11", "09-13", "09-11 09-13")],
    ),
    Case(  # the day of exposure is day 0, so the twenty-first day after it is the last
        "ebola_contacts_21d",
        "2014-10-08",
        exposed("close_contact", "2014-10-05"),
        "contact_21",
        [Told(HOME, "10-08", "10-26")],
    ),
    Case(
        "ebola_contacts_21d",
        "2014-10-05",
        exposed("general_contact", "2014-10-05"),
        "general_21",
        [Told(SELF, "10-05", "10-26")],
    ),
    Case(
        "ebola_contacts_21d",
        "2014-10-03",
        {"exposure_class": "entrant", "left_risk_area_on": "2014-10-01"},
        "entrant_21",
        [Told(MONITORING, "10-03", "10-22")],
    ),
]

NOBODY = [
    ("gx_2022_0118", "2022-02-10", returned("high", arrived_on="2022-01-20")),  # 21 days
    ("gx_2022_0118", "2022-02-10", returned("high")),  # arrived nobody knows when
    ("gx_2022_0118", "2022-02-10", returned("none", arrived_on="2022-02-10")),
    ("gx_3d2", "2022-09-10", returned("high", arrived_on="2022-09-10")),
    ("cn_20m", "2022-11-21", exposed("secondary_contact", "2022-11-20")),
    ("cn_20m", "2022-11-21", returned("medium", arrived_on="2022-11-20")),
    ("cn_v9", "2022-07-01", returned("affected_prefecture", arrived_on="2022-07-01")),
    ("cn_2020_home14", "2020-02-05", {"exposure_class": "returnee", "area_codes": ("450000",)}),
]
