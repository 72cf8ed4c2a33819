# SPDX-License-Identifier: Apache-2.0
"""What the rounds of a row come to: medians and spread, as lines of JSON or as a table with relayd's ratios and goals."""
import json
import statistics

from compare_programs import is_bare_reads

# figure: (heading, width, decimals)
COLUMNS = {"rate": ("msgs/s", 9, 0), "cpu": ("CPU s/M", 8, 2), "taking": ("in s/M", 7, 2), "user": ("user", 6, 2), "system": ("system", 6, 2),
           "peak_mb": ("RSS MB", 7, 1), "written": ("B/msg", 6, 0), "p50_ms": ("p50 ms", 7, 2), "p99_ms": ("p99 ms", 7, 2),
           "longest_sync_ms": ("max sync", 8, 1), "answer_p50_ms": ("ans p50", 7, 2), "answer_p99_ms": ("ans p99", 7, 2),
           "ceiling": ("ceiling/s", 9, 0),
           "per_connection_kib": ("KiB each", 8, 2), "cpu_ms_per_connection": ("ms each", 7, 3), "listening_ms": ("listen ms", 9, 1),
           "first_ms": ("first ms", 8, 1), "drain_seconds": ("drain s", 7, 2), "held_ms": ("held ms", 7, 1), "wire": ("wire B", 6, 0),
           "kernel_dropped": ("kernel", 8, 0), "other_dropped": ("other", 7, 0), "uncounted": ("uncounted", 9, 0), "lost": ("lost", 7, 0), "doubled": ("doubled", 7, 0), "load_cpu": ("load", 5, 2),
           "sink_cpu": ("sink", 5, 2)}
WORST = ("doubled", "longest_sync_ms")  # the most of all rounds: a median would hide a round
OF_WORST_ROUND = ("kernel_dropped", "other_dropped", "uncounted", "lost")  # all of one round, so that they add up
LABEL_WIDTH = 21


def summary(rounds):
    """{figure: (median, least, most)} of the rounds of one program. Of WORST the most comes first, too; of OF_WORST_ROUND what they were in
    the round with most uncounted, else most lost."""
    worst = max(rounds, key=lambda item: (item.get("uncounted", 0), item.get("lost", 0)))

    def first(figure, values):
        return worst[figure] if figure in OF_WORST_ROUND else (max if figure in WORST else statistics.median)(values)
    together = {figure: [item[figure] for item in rounds] for figure in rounds[0] if all(figure in item for item in rounds)}
    return {figure: (first(figure, values), min(values), max(values)) for figure, values in together.items()}


def astray(figures):
    """What is wrong with the messages, as text; empty if each arrived once. `figures`: {figure: number}."""
    return ", ".join(f"{figures[what]:.0f} {what}" for what in ("lost", "doubled") if figures.get(what, 0) > 0)


def json_line(row, label, rounds, unfinished=None):
    figures = summary(rounds)
    return json.dumps({"row": row.name, "program": label, "rounds": len(rounds), **({"unfinished": unfinished} if unfinished else {}),
                       "median": {figure: round(values[0], 3) for figure, values in figures.items()},
                       "spread": {figure: [round(values[1], 3), round(values[2], 3)] for figure, values in figures.items()}})


def goal_line(goal, summaries):
    """One sentence about one goal, or None if what it compares was not measured. None is reached with messages that were lost or doubled,
    unless it is about them; who lost them stands behind it, because a figure of such a run compares badly."""
    ours = summaries.get(goal.of, {}).get(goal.figure)
    theirs = summaries.get(goal.against, {}).get(goal.figure) if goal.against else (1, 1, 1)
    if ours is None or theirs is None:
        return None
    ratio = ours[0] / theirs[0] if theirs[0] else float("inf") if ours[0] else 0
    reached = ratio <= goal.bound if goal.at_most else ratio >= goal.bound
    heading, sign = COLUMNS[goal.figure][0], "<=" if goal.at_most else ">="
    whose = f", {goal.of}" if goal.of != "relayd" else ""
    against = f" x {goal.against}" if goal.against else ""
    wrong = {label: astray({what: values[0] for what, values in summaries[label].items()}) for label in (goal.of, goal.against)
             if label in summaries and goal.figure not in OF_WORST_ROUND}
    reached = reached and not wrong.get(goal.of)
    but = "".join(f"; {label}: {text}" for label, text in wrong.items() if text)
    return f"    {'reached' if reached else 'MISSED '}  {heading}{whose}: {ratio:.4g}{against} (goal {sign} {goal.bound:.4g}){but}"


def is_other_count(ours, theirs):
    """Bare reads stand beside relayd with as many connections, and no other."""
    return is_bare_reads(theirs) and theirs.split()[1:] != ours.split()[1:]


def is_base(figure, value):
    """Whether a ratio to it says something: it is at least one of the last place that its column shows."""
    return value >= 10 ** -COLUMNS[figure][2]


def ratio_lines(summaries):
    """Each shape of relayd beside each peer and beside relayd's first shape, whether or not there is a goal for it."""
    shapes = [label for label in summaries if label.split()[0] == "relayd"]
    pairs = [(ours, theirs) for ours in shapes for theirs in summaries if theirs not in shapes and not is_other_count(ours, theirs)]
    pairs += [(shape, shapes[0]) for shape in shapes[1:]]
    for label_of_ours, label in pairs:
        ours, theirs = summaries[label_of_ours], summaries[label]
        parts = [f"{COLUMNS[figure][0]} {ours[figure][0] / theirs[figure][0]:.3f} x" for figure in
                 ("rate", "cpu", "peak_mb", "written", "ceiling", "per_connection_kib") if
                 figure in ours and figure in theirs and is_base(figure, theirs[figure][0])]
        if parts:
            yield f"    {label_of_ours} to {label}: {', '.join(parts)}"


def print_row(row, results, wanted):
    """`results`: {label: rounds}; `wanted`: so many rounds were asked for."""
    summaries = {label: summary(rounds) for label, rounds in results.items() if rounds}
    if not summaries:
        return
    figures = [figure for figure in COLUMNS if any(figure in item for item in summaries.values())]
    print(f"\n{row.name}: {row.title}")
    print(" " * LABEL_WIDTH + " ".join(f"{COLUMNS[figure][0]:>{COLUMNS[figure][1]}}" for figure in figures) + ("  CPU spread" if "cpu" in figures else ""))
    for label, values in summaries.items():
        cells = [f"{values[figure][0]:{COLUMNS[figure][1]}.{COLUMNS[figure][2]}f}" if figure in values else
                 " " * (COLUMNS[figure][1] - 1) + "-" for figure in figures]
        spread = f"  {values['cpu'][1]:.2f}-{values['cpu'][2]:.2f}" if "cpu" in values else ""
        fewer = f"  {len(results[label])} of {wanted} rounds" if len(results[label]) < wanted else ""
        print(f"{label:<{LABEL_WIDTH}}" + " ".join(cells) + spread + fewer)
    for line in ratio_lines(summaries):
        print(line)
    for line in filter(None, (goal_line(goal, summaries) for goal in row.goals)):
        print(line, flush=True)
