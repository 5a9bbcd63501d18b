"""A real SMTP server (aiosmtpd) that keeps each mail as a file, for the tests.

usage: smtp_server.py MAILDIR [--cert F --key F [--implicit]] [--user U --password P] [--refuse ADDRESS] [--busy N] [--cut N]
Prints its port on the first line. --refuse: RCPT answers 550 5.1.1. --busy: the first N RCPT answer 451.
--cut: the first N mails are kept, then the connection is cut instead of the answer.
"""
import argparse, asyncio, itertools, pathlib, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("maildir")
for name in ("cert", "key", "user", "password", "refuse"):
    parser.add_argument(f"--{name}")
parser.add_argument("--implicit", action="store_true")
parser.add_argument("--busy", type=int, default=0)
parser.add_argument("--cut", type=int, default=0)
args = parser.parse_args()
maildir = pathlib.Path(args.maildir)
maildir.mkdir(parents=True, exist_ok=True)
number = itertools.count(1)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if args.refuse and address == args.refuse:
            return "550 5.1.1 no such mailbox"
        if args.busy > 0:
            args.busy -= 1
            return "451 4.3.2 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = f"{next(number):05d}"
        part = maildir / f"{name}.part"
        part.write_bytes(f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {','.join(envelope.rcpt_tos)}\r\n".encode() + envelope.original_content)
        part.rename(maildir / f"{name}.eml")
        if args.cut > 0:
            args.cut -= 1
            server.transport.abort()
        return "250 2.0.0 kept as " + name


def authenticate(server, session, envelope, mechanism, data):
    ok = data.login == args.user.encode() and data.password == args.password.encode()
    return AuthResult(success=ok, handled=ok)  # not handled: the server answers 535


async def main():
    options = {"enable_SMTPUTF8": True}
    listening = {}
    if args.cert and args.implicit:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        listening.update(ssl=context)
    elif args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        options.update(tls_context=context, require_starttls=True)
    if args.user:
        options.update(authenticator=authenticate, auth_required=True, auth_require_tls=bool(args.cert) and not args.implicit)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), **options), host="127.0.0.1", port=0, **listening)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
