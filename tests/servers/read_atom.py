"""Checks a feed on standard input against RFC 4287, with Python's own XML parser; prints what is wrong, a line each."""
import re, sys
import xml.etree.ElementTree as tree

A = "{http://www.w3.org/2005/Atom}"
DATE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
faults = []
feed = tree.fromstring(sys.stdin.buffer.read())


def check(holds, fault):
    if not holds:
        faults.append(fault)


def one(parent, name, where):
    found = parent.findall(A + name)
    check(len(found) == 1, f"{where}: {len(found)} {name}")
    return (found[0].text or "") if found else ""


def common(node, where):
    check(re.match(r"^[a-z][a-z0-9+.-]*:", one(node, "id", where)), f"{where}: id is no IRI")
    check(DATE.match(one(node, "updated", where)), f"{where}: updated is no RFC 3339 date")
    one(node, "title", where)
    alternates = [(l.get("type"), l.get("hreflang")) for l in node.findall(A + "link") if l.get("rel", "alternate") == "alternate"]
    check(len(alternates) == len(set(alternates)), f"{where}: alternate links alike")
    for link in node.findall(A + "link"):
        check(link.get("href"), f"{where}: link without href")
    for text in node.findall(A + "title") + node.findall(A + "summary") + node.findall(A + "content"):
        check(text.get("type", "text") in ("text", "html"), f"{where}: type {text.get('type')}")
        check(len(text) == 0, f"{where}: markup in {text.tag}")


check(feed.tag == A + "feed", "no feed")
common(feed, "feed")
entries = feed.findall(A + "entry")
check(feed.find(A + "author") is not None or all(e.find(A + "author") is not None for e in entries), "no author")
check(any(l.get("rel") == "self" for l in feed.findall(A + "link")), "no link to itself")
for n, entry in enumerate(entries):
    where = f"entry {n}"
    common(entry, where)
    has_alternate = any(l.get("rel", "alternate") == "alternate" for l in entry.findall(A + "link"))
    check(has_alternate or entry.find(A + "content") is not None, f"{where}: neither content nor alternate")
    for name in ("published",):
        for date in entry.findall(A + name):
            check(DATE.match(date.text or ""), f"{where}: {name}")
ids = [e.findtext(A + "id") for e in entries]
check(len(ids) == len(set(ids)), "two entries of one id")
print("\n".join([f"{len(entries)} entries"] + faults))
