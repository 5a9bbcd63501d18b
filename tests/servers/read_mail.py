"""Reads mails with Python's own parser: an eye that is not ours.

Each mail on standard input is a line with its length in bytes, then its bytes; the answer is one line of JSON.
"""
import email, email.policy, json, sys


def found(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    parts = {}
    for part in mail.walk():
        if not part.is_multipart():
            parts[part.get_content_type()] = part.get_content()
    defects = [str(d) for d in mail.defects]
    for value in mail.values():
        defects += [str(d) for d in getattr(value, "defects", [])]
    written = mail.as_bytes(policy=email.policy.SMTP)
    return {
        "headers": {k.lower(): str(v) for k, v in mail.items()},
        "counts": {k.lower(): len(mail.get_all(k)) for k in mail.keys()},
        "type": mail.get_content_type(),
        "order": [p.get_content_type() for p in mail.walk()],
        "parts": parts,
        "defects": defects,
        "longest_line": max(len(line) for line in written.split(b"\r\n")),
    }


for length in sys.stdin.buffer:
    print(json.dumps(found(sys.stdin.buffer.read(int(length)))), flush=True)
