import pandas as pd
import pytest

from atoll import UserError
from flight_delays.window import join_weeks


def test_weeks_are_joined_in_order_and_named():
    tables = {
        week: pd.DataFrame(
            {
                "flight_id": [f"{week} a", f"{week} b"],
                "sched_dep_time": pd.to_datetime([f"{week} 04:59", f"{week} 05:00"], utc=True),
            }
        )
        for week in ("2013-01-13", "2013-01-06")
    }
    joined = join_weeks(tables)
    assert joined["week"].tolist() == ["2013-01-06", "2013-01-06", "2013-01-13", "2013-01-13"]
    assert joined["day"].tolist()[:2] == ["2013-01-05", "2013-01-06"]
    assert joined["flight_id"].tolist()[0] == "2013-01-06 a"
    assert joined.index.tolist() == [0, 1, 2, 3]


def test_no_week_at_all_says_what_to_do():
    with pytest.raises(UserError) as raised:
        join_weeks({})
    assert str(raised.value).splitlines() == [
        "There is nothing to learn from.",
        "None of the 10 weeks before was materialized.",
        "Materialize flight_delays/examples of earlier weeks first.",
    ]
