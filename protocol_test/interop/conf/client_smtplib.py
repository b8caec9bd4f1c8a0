"""Sends standard input by smtplib: HOST PORT plain|starttls|implicit FROM TO...

Without TLS it does not log in.
"""
import smtplib
import ssl
import sys

host, port, mode, sender, *to = sys.argv[1:]
content = sys.stdin.buffer.read()
if mode == "implicit":
    client = smtplib.SMTP_SSL(host, int(port), "client.test", timeout=30, context=ssl.create_default_context())
else:
    client = smtplib.SMTP(host, int(port), "client.test", timeout=30)
with client:
    if mode == "starttls":
        client.starttls(context=ssl.create_default_context())
    if mode != "plain":
        client.login("user", "pass")
    client.sendmail(sender, to, content, ["BODY=8BITMIME"])
