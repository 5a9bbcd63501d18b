"""Reads a mail from standard input with Python's own parser and prints what it found as JSON: an eye that is not ours."""
import email, email.policy, json, sys

mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = {}
for part in mail.walk():
    if not part.is_multipart():
        parts[part.get_content_type()] = part.get_content()
defects = [str(d) for d in mail.defects]
for value in mail.values():
    defects += [str(d) for d in getattr(value, "defects", [])]
raw = mail.as_bytes(policy=email.policy.SMTP)
print(json.dumps({
    "headers": {k.lower(): str(v) for k, v in mail.items()},
    "counts": {k.lower(): len(mail.get_all(k)) for k in mail.keys()},
    "type": mail.get_content_type(),
    "order": [p.get_content_type() for p in mail.walk()],
    "parts": parts,
    "defects": defects,
    "longest_line": max(len(line) for line in raw.split(b"\r\n")),
}))
