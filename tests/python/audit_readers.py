"""Reads an audit directory with DuckDB and with pyarrow, and compares what the two see.

    python audit_readers.py DIR [--rows N]

DIR is the `audit.dir` of a Lockgate, or a copy of it, with at least one Parquet file. Exit code 0
and one line of JSON on success, 1 with the reason otherwise. Needs the packages `duckdb` and
`pyarrow`.
"""

import argparse
import collections
import json
import pathlib
import sys

import duckdb
import pyarrow.dataset
import pyarrow.parquet

WORD = "dictionary<values=string, indices=int32, ordered=0>"
MASK = "struct<selector: string not null, method: string not null, count: uint32 not null>"

# Every column of `audit.v1` in order, with its type in Arrow and in DuckDB.
COLUMNS = [
    ("seq", "uint64", "UBIGINT"),
    ("time", "timestamp[us, tz=UTC]", "TIMESTAMP WITH TIME ZONE"),
    ("node_id", WORD, "VARCHAR"),
    ("event", WORD, "VARCHAR"),
    ("decision_id", "fixed_size_binary[16]", "BLOB"),
    ("session_id", "fixed_size_binary[16]", "BLOB"),
    ("principal", WORD, "VARCHAR"),
    ("principal_type", WORD, "VARCHAR"),
    ("groups_id", WORD, "VARCHAR"),
    ("auth_mech", WORD, "VARCHAR"),
    ("token_jti_hash", WORD, "VARCHAR"),
    ("client_id", WORD, "VARCHAR"),
    ("client_software", WORD, "VARCHAR"),
    ("src_ip", WORD, "VARCHAR"),
    ("src_port", "uint16", "USMALLINT"),
    ("cluster", WORD, "VARCHAR"),
    ("api", WORD, "VARCHAR"),
    ("api_version", "int16", "SMALLINT"),
    ("topic", WORD, "VARCHAR"),
    ("topic_id", WORD, "VARCHAR"),
    ("partition", "int32", "INTEGER"),
    ("first_offset", "int64", "BIGINT"),
    ("last_offset", "int64", "BIGINT"),
    ("records", "uint32", "UINTEGER"),
    ("bytes", "uint64", "UBIGINT"),
    ("schema_ids", "list<item: int32 not null>", "INTEGER[]"),
    ("decision", WORD, "VARCHAR"),
    ("mode", WORD, "VARCHAR"),
    ("rule_ids", "list<item: string not null>", "VARCHAR[]"),
    ("policy_revision", WORD, "VARCHAR"),
    (
        "mask_summary",
        f"list<item: {MASK} not null>",
        'STRUCT(selector VARCHAR, "method" VARCHAR, count UINTEGER)[]',
    ),
    ("masked_values", "uint32", "UINTEGER"),
    ("masked_records", "uint32", "UINTEGER"),
    ("error_code", "int16", "SMALLINT"),
    ("message", "string", "VARCHAR"),
    ("hold_id", "string", "VARCHAR"),
    ("grant_id", "string", "VARCHAR"),
    ("exception_id", "string", "VARCHAR"),
    ("eval_us", "uint32", "UINTEGER"),
    ("added_latency_us", "uint32", "UINTEGER"),
    ("suppressed", "uint32", "UINTEGER"),
]


def check(holds, message):
    if not holds:
        sys.exit(f"audit_readers: {message}")


def same(what, seen, expected):
    check(seen == expected, f"{what}: {seen!r}, expected {expected!r}")


def check_file(path):
    """The types, the metadata and the name of one file agree; gives its rows."""
    file = pyarrow.parquet.ParquetFile(path)
    arrow = [(field.name, str(field.type)) for field in file.schema_arrow]
    same(f"{path}: columns", arrow, [(name, kind) for name, kind, _ in COLUMNS])
    notes = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    same(f"{path}: schema", notes.get("lockgate.schema"), "audit.v1")
    table = file.read()
    seqs = table.column("seq").to_pylist()
    same(f"{path}: order", seqs, sorted(set(seqs)))
    node = notes["lockgate.node"]
    same(f"{path}: node", set(table.column("node_id").to_pylist()), {node})
    first, last = int(notes["lockgate.first_seq"]), int(notes["lockgate.last_seq"])
    same(f"{path}: first and last", (seqs[0], seqs[-1]), (first, last))
    same(f"{path}: name", path.name, f"{node}-{first:012}-{last:012}.parquet")
    hours = {time.strftime("date=%Y-%m-%d/hour=%H") for time in table.column("time").to_pylist()}
    same(f"{path}: hour", hours, {"/".join(path.parts[-3:-1])})
    return table


def check_seqs(table):
    """Each node's numbers start somewhere and have no gap."""
    by_node = collections.defaultdict(list)
    rows = zip(table.column("node_id").to_pylist(), table.column("seq").to_pylist())
    for node, seq in rows:
        by_node[node].append(seq)
    for node, seqs in by_node.items():
        seqs.sort()
        same(f"{node}: seq", seqs, list(range(seqs[0], seqs[0] + len(seqs))))


def check_duckdb(connection, pattern, table):
    described = connection.execute(
        f"describe from read_parquet('{pattern}', hive_partitioning = false)"
    ).fetchall()
    seen = [(row[0], row[1]) for row in described]
    same("DuckDB: columns", seen, [(name, kind) for name, _, kind in COLUMNS])
    total = connection.execute(
        f"select count(*), min(seq), max(seq), sum(masked_values)"
        f" from read_parquet('{pattern}', hive_partitioning = true)"
    ).fetchall()[0]
    seqs = table.column("seq").to_pylist()
    masked = sum(table.column("masked_values").to_pylist())
    same("DuckDB: totals", total, (len(seqs), min(seqs), max(seqs), masked))
    per_method = connection.execute(
        "select mask.method, sum(mask.count) from"
        f" (select unnest(mask_summary) as mask from read_parquet('{pattern}')) group by 1"
    ).fetchall()
    expected = collections.Counter()
    for masks in table.column("mask_summary").to_pylist():
        for mask in masks:
            expected[mask["method"]] += mask["count"]
    same("DuckDB: masks", dict(per_method), dict(expected))
    sessions = connection.execute(
        f"select count(distinct session_id) from read_parquet('{pattern}')"
    ).fetchall()[0][0]
    ids = {value for value in table.column("session_id").to_pylist() if value}
    same("DuckDB: sessions", sessions, len(ids))


def check_partitions(connection, tree, pattern, files, table):
    """The folders work as hive partitions in both, cluster by cluster."""
    by_cluster = collections.Counter(table.column("cluster").to_pylist())
    seen = connection.execute(
        "select cluster, count(*) from"
        f" read_parquet('{pattern}', hive_partitioning = false) group by 1"
    ).fetchall()
    same("DuckDB: clusters", dict(seen), dict(by_cluster))
    hours = connection.execute(
        f"select count(*) from read_parquet('{pattern}', hive_partitioning = true)"
        " where date is not null and hour is not null"
    ).fetchall()[0][0]
    same("DuckDB: rows with date and hour", hours, table.num_rows)
    layout = pyarrow.dataset.partitioning(
        pyarrow.schema([("date", pyarrow.string()), ("hour", pyarrow.string())]),
        flavor="hive",
    )
    rows = pyarrow.dataset.dataset(
        [str(path) for path in files], partitioning=layout, partition_base_dir=str(tree)
    ).to_table()
    same("pyarrow dataset: rows", rows.num_rows, table.num_rows)
    check(rows.column("date").null_count == 0, "pyarrow dataset: a row without a date")


def check_groups(connection, tree, table):
    """Every `groups_id` that the side file lists is listed with a list."""
    lists = sorted((tree / "groups").glob("*.jsonl"))
    if not any(path.stat().st_size for path in lists):
        return 0
    rows = connection.execute(
        f"select groups_id, groups from read_json('{tree}/groups/*.jsonl',"
        " columns = {groups_id: 'VARCHAR', groups: 'VARCHAR[]'})"
    ).fetchall()
    for groups_id, groups in rows:
        same(f"{groups_id}: order", groups, sorted(set(groups), key=str.encode))
    return len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--rows", type=int, help="how many rows there must be")
    arguments = parser.parse_args()
    tree = arguments.dir / "audit" / "v1"
    files = sorted(tree.glob("cluster=*/date=*/hour=*/*.parquet"))
    check(files, f"no Parquet file below {tree}")
    table = pyarrow.concat_tables([check_file(path) for path in files]).unify_dictionaries()
    if arguments.rows is not None:
        same("rows", table.num_rows, arguments.rows)
    check_seqs(table)
    pattern = f"{tree}/cluster=*/date=*/hour=*/*.parquet"
    connection = duckdb.connect()
    check_duckdb(connection, pattern, table)
    check_partitions(connection, tree, pattern, files, table)
    groups = check_groups(connection, tree, table)
    events = collections.Counter(table.column("event").to_pylist())
    print(json.dumps({"files": len(files), "rows": table.num_rows, "group_lists": groups,
                      "events": dict(sorted(events.items()))}))


if __name__ == "__main__":
    main()
