"""docs/clients.md, written from what the runs found."""

import textwrap

import cells
import programs

TITLES = {
    "matrix": ("Every way in", "Five codecs (kafkajs: three) by an idempotent producer, read by a "
               "consumer group that commits, and an aborted and a committed transaction."),
    "versions": ("Older brokers", "The same before Kafka 3.9 and 4.0; Java with the client of that "
                 "version."),
    "refused": ("A refused record amid others", "Sent in order: good, bad, good, good; then three "
                "transactions, of which the first has the bad record. What is direct is a broker "
                "without Lockgate that refuses a record without a key for a compacted topic; a "
                "rule's refusal must look the same to the client, and the producer goes on."),
    "restart": ("Lockgate ends and starts again", "Under an idempotent producer, twice in each "
                "run: what is acknowledged is stored, and nothing is stored twice."),
    "streams": ("A Kafka Streams application", "It counts words, exactly once, through a topic "
                "between, while Lockgate ends four times: every input has one output, and the "
                "counts of each word are 1, 2, 3, …"),
}


def written(results):
    """The whole page."""
    text = "# Clients\n\nWritten by `tests/clients/run`, which runs each cell against the built "
    text += "Lockgate.\n`ok`: every step was as it must be.\n"
    for part, (title, words) in TITLES.items():
        if part in results:
            rows = results[part]
            if part == "matrix":
                rows = {cell: rows[cell] for cell in cells.names() if cell in rows}
            words = textwrap.fill(words, 98)
            text += f"\n## {title}\n\n{words}\n\n" + table(rows, part == "matrix")
    return text


def table(rows, has_notes):
    """One row a cell, one column a client, long outcomes below."""
    clients = [client for client in programs.CLIENTS if any(client in row for row in rows.values())]
    notes = []
    text = "| | " + " | ".join(clients) + " |\n" + "|---" * (len(clients) + 1) + "|\n"
    for cell, row in rows.items():
        told = [short(row.get(client, "not run"), notes, has_notes) for client in clients]
        text += f"| {cell} | " + " | ".join(told) + " |\n"
    for number, note in enumerate(notes, 1):
        text += ("\n" if number == 1 else "") + f"{number}. {note}\n"
    return text


def short(outcome, notes, has_notes):
    """An outcome as it fits into a cell."""
    if not has_notes or len(outcome) < 12:
        return outcome
    if outcome not in notes:
        notes.append(outcome)
    return f"{outcome.split(':')[0]} ({notes.index(outcome) + 1})"
