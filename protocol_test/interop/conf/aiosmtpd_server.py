"""aiosmtpd that keeps each message as it came.

NNNNNN.eml holds the octets of the content after dot-unstuffing, NNNNNN.json the envelope.
"""
import asyncio
import json
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

STORE = "/mail/aiosmtpd"
LOGIN = (b"user", b"pass")


class Store:
    def __init__(self):
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bad"):
            return "550 5.1.1 No such user"
        if address.startswith("temp"):
            return "450 4.2.1 Mailbox busy, try again later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        name = f"{STORE}/{self.count:06}"
        record = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "mailParameters": envelope.mail_options,
            "rcptParameters": envelope.rcpt_options,
            "tls": session.ssl is not None,
            "login": session.auth_data,
        }
        with open(f"{name}.json", "w") as file:
            json.dump(record, file)
        # The content comes last, and by rename: who sees it finds it whole, with its envelope.
        with open(f"{name}.tmp", "wb") as file:
            file.write(envelope.original_content)
        os.rename(f"{name}.tmp", f"{name}.eml")
        return f"250 2.0.0 Stored as {self.count:06}"


def authenticate(server, session, envelope, mechanism, data):
    if (data.login, data.password) != LOGIN:
        return AuthResult(success=False, handled=False)
    return AuthResult(success=True, auth_data=data.login.decode())


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain("/etc/tls/server.pem", "/etc/tls/server.key")
    store = Store()

    def session():
        return SMTP(
            store,
            hostname="aiosmtpd.test",
            tls_context=tls,
            authenticator=authenticate,
            enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 2540)
    await server.serve_forever()


asyncio.run(main())
