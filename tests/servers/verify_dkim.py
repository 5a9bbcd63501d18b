"""Verifies the DKIM signature of a mail on standard input with dkimpy: an eye that is not ours.

usage: verify_dkim.py NAME TEXT, the record as it stands in DNS. Prints "pass" and the headers signed, or "fail".
"""
import sys, dkim

name, text = sys.argv[1], sys.argv[2]
mail = sys.stdin.buffer.read()


def record(asked, timeout=5):
    return text.encode() if asked.decode().rstrip(".") == name else None


verifier = dkim.DKIM(mail)
try:
    good = verifier.verify(dnsfunc=record)
except dkim.DKIMException as e:
    print("fail", e)
    sys.exit(0)
signed = [h.decode().lower() for h in verifier.signed_headers and [n for n, _ in verifier.signed_headers] or []]
print("pass" if good else "fail", ":".join(signed))
