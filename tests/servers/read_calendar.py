"""Reads a calendar from standard input with two parsers that share nothing with ours, and prints what each found as JSON."""
import datetime, json, sys
import icalendar, vobject

raw = sys.stdin.buffer.read()


def moment(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
    return value.isoformat()


calendar = icalendar.Calendar.from_ical(raw)
events = list(calendar.walk("VEVENT"))
first = [
    [str(e["uid"]), str(e["summary"]), moment(e.decoded("dtstart")), str(e.get("status")), int(e.get("sequence", 0))]
    for e in events
]
read = vobject.readOne(raw.decode())
read.validate(raiseException=True)
second = [
    [e.uid.value, e.summary.value, moment(e.dtstart.value), e.status.value, int(e.sequence.value)]
    for e in getattr(read, "vevent_list", [])
]
print(json.dumps({
    "icalendar": first,
    "vobject": second,
    "errors": [str(e) for event in events for e in event.errors],
    "longest_line": max(len(line) for line in raw.split(b"\r\n")),
    "bare_ends": raw.count(b"\n") - raw.count(b"\r\n"),
}))
