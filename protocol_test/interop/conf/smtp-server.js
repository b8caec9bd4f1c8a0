// npm's smtp-server that keeps each message as it came: NNNNNN.eml holds the octets of the content
// after dot-unstuffing, NNNNNN.json the envelope. SMTP on 2541, LMTP on 2542.
'use strict';

const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const STORE = '/mail/smtp-server';
let count = 0;

function refusal(code, text) {
  return Object.assign(new Error(text), { responseCode: code });
}

function authenticate(auth, session, done) {
  const known = auth.username === 'user' &&
    (auth.method === 'CRAM-MD5' ? auth.validatePassword('pass') : auth.password === 'pass');
  done(known ? null : refusal(535, '5.7.8 Authentication failed'), { user: auth.username });
}

function recipient(address, session, done) {
  if (address.address.startsWith('bad')) {
    return done(refusal(550, '5.1.1 No such user'));
  }
  if (address.address.startsWith('temp')) {
    return done(refusal(450, '4.2.1 Mailbox busy, try again later'));
  }
  done();
}

function store(stream, session, done) {
  const pieces = [];
  stream.on('data', piece => pieces.push(piece));
  stream.on('end', () => {
    if (stream.sizeExceeded) {
      return done(refusal(552, '5.3.4 Message too big'));
    }
    const id = String(++count).padStart(6, '0');
    const { mailFrom, rcptTo } = session.envelope;
    fs.writeFileSync(`${STORE}/${id}.json`, JSON.stringify({
      from: mailFrom ? mailFrom.address : '',
      to: rcptTo.map(r => r.address),
      mailParameters: mailFrom ? mailFrom.args : false,
      rcptParameters: rcptTo.map(r => r.args),
      tls: Boolean(session.secure),
      login: session.user || null
    }));
    // The content comes last, and by rename: who sees it finds it whole, with its envelope.
    fs.writeFileSync(`${STORE}/${id}.tmp`, Buffer.concat(pieces));
    fs.renameSync(`${STORE}/${id}.tmp`, `${STORE}/${id}.eml`);
    done(null, id);
  });
}

// Every second recipient gets a refusal for itself, after the content.
function storeEach(stream, session, done) {
  store(stream, session, (err, id) => {
    done(err, session.envelope.rcptTo.map((_, i) =>
      i % 2 ? refusal(452, '4.2.2 Mailbox full') : `2.0.0 Stored as ${id}`));
  });
}

const smtp = new SMTPServer({
  name: 'smtp-server.test',
  key: fs.readFileSync('/etc/tls/server.key'),
  cert: fs.readFileSync('/etc/tls/server.pem'),
  size: 10000000,
  authOptional: true,
  allowInsecureAuth: true,
  authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
  onAuth: authenticate,
  onRcptTo: recipient,
  onData: (stream, session, done) =>
    store(stream, session, (err, id) => done(err, `2.0.0 Stored as ${id}`))
});

const lmtp = new SMTPServer({
  lmtp: true,
  name: 'smtp-server.test',
  disabledCommands: ['AUTH', 'STARTTLS'],
  onRcptTo: recipient,
  onData: storeEach
});

for (const [server, port] of [[smtp, 2541], [lmtp, 2542]]) {
  // A client that goes away is no reason to stop.
  server.on('error', err => console.error(port, err.message));
  server.listen(port, '127.0.0.1');
}
