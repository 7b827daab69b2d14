"""Lists for use outside: the brand's own ids, in the private folder only, once, and never one list over another."""

import csv
import datetime
import stat

import polars as pl
import pytest
from typer.testing import CliRunner

from siyu_helpers import cli
from siyu_helpers.data import brands
from siyu_helpers.reporting import lists

MEMBERS = "customer_id,joined_at,left_at\n" + "".join(
    f"SECRETPERSON{n:04d},2024-09-{1 + n:02d},{'2024-10-20' if n == 3 else ''}\n" for n in range(10)
)
ASSIGNED = "experiment,customer_id,assigned_at,arm,probability\nwin_back,SECRETPERSON0020,2024-09-01,message,0.9\n"


@pytest.fixture
def shop(write_brand, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("SIYU_HOME", str(tmp_path / "home"))
    folder = write_brand("tiny")
    (folder / "members.csv").write_text(MEMBERS)
    (folder / "assignments.csv").write_text(ASSIGNED)
    return folder


@pytest.fixture
def private(tmp_path):
    return sorted_of(tmp_path / "home" / "private")


def sorted_of(folder):
    return lambda: sorted(path for path in folder.rglob("*.csv"))


def siyu(*arguments):
    return CliRunner().invoke(cli.app, ["list", *map(str, arguments)])


def rows(path):
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def test_a_holdout_is_written_for_its_owner_alone(shop, data_root, private):
    said = siyu("tiny", "holdout", "--share", 0.2, "--seed", 4, "--data", data_root)
    assert said.exit_code == 0, said.output
    listed, kept = private()
    assert (listed.name, kept.name) == ("holdout_2024-12-31_seed4.csv", "holdout_2024-12-31_seed4_assignments.csv")
    for path in (listed, kept):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    people = rows(kept)
    assert len(people) == len({row["customer_id"] for row in people}) == 50  # sixty less ten who joined
    assert [row["customer_id"] for row in rows(listed)] == [
        r["customer_id"] for r in people if r["arm"] == "not_invited"
    ]
    assert len(rows(listed)) == 10
    assert {row["assigned_at"] for row in people} == {"2024-12-31 23:59:59"}
    assert {float(row["probability"]) for row in people} == {0.2, 0.8}
    assert "SECRETPERSON" not in said.output
    assert all(row["customer_id"].startswith("SECRETPERSON") for row in people)


def test_what_is_listed_is_true_of_each_customer(shop, data_root, private):
    assert siyu("tiny", "holdout", "--share", 0.5, "--data", data_root).exit_code == 0
    orders = pl.read_csv(shop / "orders.csv", try_parse_dates=True)
    of = orders.group_by("customer_id").agg(pl.len(), pl.col("amount").sum(), pl.col("ordered_at").max())
    known = {row[0]: row[1:] for row in of.iter_rows()}
    for row in rows(private()[0]):
        many, spent, last = known[row["customer_id"]]
        assert int(row["orders"]) == many
        assert float(row["past_spend"]) == pytest.approx(spent)
        assert int(row["days_since_last_order"]) == (datetime.date(2024, 12, 31) - last.date()).days


def test_the_rows_are_read_by_the_contract_and_the_next_list_leaves_them_aside(shop, data_root, private):
    assert siyu("tiny", "holdout", "--share", 0.2, "--data", data_root).exit_code == 0
    kept = private()[1]
    with (shop / "assignments.csv").open("a") as stream:
        stream.write("".join(kept.read_text().splitlines(keepends=True)[1:]))
    loaded = brands.load("tiny", data_root)
    assert loaded.table("assignments")["experiment"].value_counts().to_dict() == {"holdout": 50, "win_back": 1}
    again = siyu("tiny", "holdout", "--share", 0.2, "--seed", 9, "--data", data_root)
    assert again.exit_code == 1
    assert "50 more are in the experiment already" in again.stderr
    assert siyu("tiny", "holdout", "--experiment", "second", "--data", data_root).exit_code == 0


def test_the_same_seed_gives_the_same_file_and_another_list_is_never_put_over_it(shop, data_root, private):
    assert siyu("tiny", "holdout", "--seed", 4, "--data", data_root).exit_code == 0
    before = {path: path.read_bytes() for path in private()}
    again = siyu("tiny", "holdout", "--seed", 4, "--data", data_root)
    assert again.exit_code == 0
    assert "Unchanged" in again.output
    other = siyu("tiny", "holdout", "--seed", 4, "--share", 0.3, "--data", data_root)
    assert other.exit_code == 1
    assert "is there already" in other.stderr
    assert {path: path.read_bytes() for path in private()} == before
    assert siyu("tiny", "holdout", "--seed", 5, "--data", data_root).exit_code == 0
    assert len(private()) == 4
    assert private()[0].read_bytes() != private()[2].read_bytes()


def test_the_rows_of_the_file_may_stand_in_any_order(shop, data_root, private):
    assert siyu("tiny", "holdout", "--data", data_root).exit_code == 0
    first = [row["customer_id"] for row in rows(private()[0])]
    lines = (shop / "orders.csv").read_text().splitlines(keepends=True)
    (shop / "orders.csv").write_text(lines[0] + "".join(reversed(lines[1:])))
    assert siyu("tiny", "holdout", "--data", data_root).exit_code == 0  # the same bytes: no refusal
    assert [row["customer_id"] for row in rows(private()[0])] == first


def test_win_back_marks_whom_to_leave_alone(shop, data_root, private):
    (shop / "messages.csv").write_text(
        "customer_id,sent_at,channel,opted_out\nSECRETPERSON0006,2024-10-01,sms,1\nSECRETPERSON0012,2024-10-01,sms,0\n"
    )
    said = siyu("tiny", "win-back", "--control", 0.25, "--dormant-after-days", 120, "--data", data_root)
    assert said.exit_code == 0, said.output
    listed, kept = private()
    people = rows(listed)
    assert [row["customer_id"] for row in people] == [row["customer_id"] for row in rows(kept)]
    assert all(int(row["days_since_last_order"]) > 120 for row in people)
    names = {row["customer_id"] for row in people}
    assert "SECRETPERSON0012" in names
    assert not names & {"SECRETPERSON0006", "SECRETPERSON0020"}  # opted out; in the experiment already
    assert sum(row["arm"] == "no_message" for row in people) == round(len(people) * 0.25)
    assert "2 of them are left aside" in said.output


def test_members_are_drawn_where_there_is_a_pool(shop, data_root, private):
    assert siyu("tiny", "holdout", "--of", "members", "--share", 0.3, "--data", data_root).exit_code == 0
    people = rows(private()[1])
    assert {row["customer_id"] for row in people} == {f"SECRETPERSON{n:04d}" for n in range(10) if n != 3}
    assert {row["arm"] for row in people} == {"no_promotions", "promotions"}
    (shop / "members.csv").unlink()
    refused = siyu("tiny", "holdout", "--of", "members", "--seed", 2, "--data", data_root)
    assert refused.exit_code == 1
    assert "no table members" in refused.stderr
    assert siyu("tiny", "holdout", "--seed", 2, "--data", data_root).exit_code == 0  # a pool that is not open yet


def test_an_earlier_day_knows_nothing_of_later_orders(shop, data_root, private):
    assert siyu("tiny", "holdout", "--until", "2024-02-29", "--share", 0.5, "--data", data_root).exit_code == 0
    listed, kept = private()
    assert listed.name == "holdout_2024-02-29_seed0.csv"
    assert {row["assigned_at"] for row in rows(kept)} == {"2024-02-29 23:59:59"}
    first = pl.read_csv(shop / "orders.csv").filter(pl.col("ordered_at") < "2024-03")["customer_id"].unique()
    assert {row["customer_id"] for row in rows(kept)} == set(first)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["tiny", "hold"], 2, "holdout, win-back"),
        (["nobody", "holdout"], 2, "tiny"),
        (["tiny", "holdout", "--share", "0"], 2, "between 0 and 1"),
        (["tiny", "holdout", "--of", "all"], 2, "--of members"),
        (["tiny", "win-back", "--share", "0.2"], 2, "--share is no option of win-back"),
        (["tiny", "holdout", "--control", "0.2"], 2, "--control is no option of holdout"),
        (["tiny", "holdout", "--of", "members", "--active-within-days", "90"], 2, "non-members only"),
        (["tiny", "holdout", "--until", "yesterday"], 2, "2024-06-30"),
        (["tiny", "holdout", "--until", "2025-06-30"], 1, "outside the data"),
        (["tiny", "holdout", "--experiment", "a/b"], 1, "--experiment"),
        (["tiny", "win-back", "--dormant-after-days", "3000"], 1, "0 customers can be drawn"),
    ],
)
def test_wrong_use_is_told_and_writes_nothing(arguments, code, told, shop, data_root, private):
    said = siyu(*arguments, "--data", data_root)
    assert said.exit_code == code
    assert told in said.stderr
    assert "Traceback" not in said.output
    assert isinstance(said.exception, SystemExit)
    assert private() == []


def test_bad_data_are_told_as_everywhere(shop, data_root, private):
    (shop / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\nA1,SECRET-7,2024-02-30,x\n")
    said = siyu("tiny", "holdout", "--data", data_root)
    assert said.exit_code == 1
    assert "orders.csv" in said.stderr
    assert "SECRET-7" not in said.output


def test_identifiers_like_formulas_are_counted_and_written_as_they_are(
    write_brand, data_root, private, tmp_path, monkeypatch
):
    monkeypatch.setenv("SIYU_HOME", str(tmp_path / "home"))
    lines = [f"A{n},{'+86' if n < 4 else ''}13{n},2024-1{n % 3}-0{1 + n % 9},5.{n:02d}" for n in range(20)]
    write_brand("phones", "order_id,customer_id,ordered_at,amount\n" + "\n".join(lines) + "\n")
    said = siyu("phones", "holdout", "--share", 0.5, "--data", data_root)
    assert "4 identifiers begin like a formula" in said.output
    assert {row["customer_id"] for row in rows(private()[1])} >= {f"+8613{n}" for n in range(4)}


def test_half_a_list_is_never_left(shop, data_root, private):
    """The second file of a list is in the way: the first is not written either."""
    assert siyu("tiny", "holdout", "--data", data_root).exit_code == 0
    listed, kept = private()
    listed.unlink()
    kept.write_text("other")
    assert siyu("tiny", "holdout", "--data", data_root).exit_code == 1
    assert private() == [kept]


def test_every_kind_says_what_to_do_next(shop, data_root):
    loaded = brands.load("tiny", data_root)
    for made in (
        lists.holdout(loaded),
        lists.holdout(loaded, 0.3, of="members"),
        lists.win_back(loaded, dormant_after_days=60),
    ):
        text = lists.account(made, loaded)
        assert "Next:" in text
        assert "assignments.csv" in text
        assert "SECRET" not in text
