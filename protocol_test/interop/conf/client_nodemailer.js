// Sends standard input by nodemailer: HOST PORT plain|starttls|implicit FROM TO... Without TLS it does not log in.
'use strict';

const fs = require('fs');
const nodemailer = require('nodemailer');

const [host, port, mode, from, ...to] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  host,
  port: Number(port),
  name: 'client.test',
  secure: mode === 'implicit',
  requireTLS: mode === 'starttls',
  ignoreTLS: mode === 'plain',
  tls: { ca: fs.readFileSync('/etc/ssl/certs/ca-certificates.crt') },
  auth: mode === 'plain' ? undefined : { user: 'user', pass: 'pass' }
});

transport.sendMail({ envelope: { from, to }, raw: fs.readFileSync(0) }, err => {
  if (err) {
    console.error(err);
    process.exitCode = 1;
  }
});
