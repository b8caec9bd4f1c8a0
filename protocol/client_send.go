package protocol

import (
	"slices"
	"strconv"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Envelope is who a message comes from and goes to (RFC 5321 §2.3.1). Nobody may
// change what To refers to until the message's Result has settled.
type Envelope struct {
	From wire.Path // the zero value is the null reverse-path
	// Params are the parameters of MAIL. BODY=8BITMIME is added where the server
	// offers it and Body is not stated, SIZE where the server offers it and the size
	// of the content is known, SMTPUTF8 where a path needs it, or UTF-8 in the header
	// section of the content.
	Params wire.MailParams
	To     []wire.Recipient // at least one
}

// Send sends one message to the recipients of its envelope, in one transaction.
// What is wrong with the envelope by itself is found at once, and what the server
// does not offer when the message's turn comes; nothing is written then, and the
// error is a *ConfigError, *LimitError or *BodyError inside a *DeliveryError.
//
// Content with octets outside US-ASCII goes only where 8BITMIME is offered, and with
// UTF-8 in its header section where SMTPUTF8 is; see ClientConfig.Allow8Bit. Where
// that shows only when the content is read, the message fails with a *BodyError,
// without an end of data; by DATA that ends the connection.
func (c *Client) Send(env Envelope, body Body) *Delivery {
	d := &Delivery{c: c, sender: env.From, to: env.To, body: body, end: unplanned}
	if !env.Params.IsZero() {
		d.params = new(wire.MailParams)
		*d.params = env.Params
	}
	if len(env.To) == 1 {
		d.recipients = d.single[:]
	} else {
		d.recipients = make([]RecipientResult, len(env.To))
	}
	if err := d.check(); err != nil {
		d.settle(err)
		return d
	}
	d.result.Cancels(d)
	c.add(d)
	return d
}

// check finds what is wrong with the message whatever the server offers, and what
// its recipients need.
func (d *Delivery) check() error {
	if d.body == nil {
		return &ConfigError{Field: "Body", Reason: "nil"}
	}
	if len(d.to) == 0 {
		return &ConfigError{Field: "To", Reason: "no recipient"}
	}
	if d.sender.IsPostmaster() {
		return &ConfigError{Field: "From", Reason: "no domain"}
	}
	if err := d.checkPath(&d.sender); err != nil {
		return &ConfigError{Field: "From", Err: err}
	}
	for i := range d.to {
		to := &d.to[i]
		if to.Path.IsNull() {
			return &ConfigError{Field: "To[" + strconv.Itoa(i) + "]", Reason: "null path"}
		}
		if err := d.checkPath(&to.Path); err != nil {
			return &ConfigError{Field: "To[" + strconv.Itoa(i) + "]", Err: err}
		}
		d.needs |= to.Needs()
	}
	return nil
}

// checkPath checks the length of a path, and asks for SMTPUTF8 where it is not all
// ASCII.
func (d *Delivery) checkPath(p *wire.Path) error {
	if p.IsUTF8() {
		d.utf8Path = true
	}
	if d.c.cfg.LongPaths {
		return nil
	}
	return p.CheckLength()
}

// Delivery is one message on its way. Each step settles on its own reply, in wire
// order, and Result last; that of a message which was refused in the middle of a
// chunk waits until the rest of the chunk is handed over. Its methods are for the
// goroutine of its Client.
type Delivery struct {
	c      *Client
	sender wire.Path
	to     []wire.Recipient
	params *wire.MailParams // as the envelope has them; nil: none
	body   Body

	result future.Promise[Receipt]
	steps  *deliverySteps // made when one is asked for

	recipients []RecipientResult
	single     [1]RecipientResult // where recipients lies if there is one
	from       wire.Reply         // the reply to MAIL
	final      wire.Reply         // the last verdict on the content
	accepted   int32              // recipients whose RCPT was answered 2yz

	needs    wire.ExtensionSet // of the recipients
	utf8Path bool              // a path is not all ASCII
	utf8     bool              // the transaction is one with SMTPUTF8

	phase     phase
	pipelined bool
	chunked   bool // by BDAT
	ahead     bool // its content does not wait for the recipients' replies
	reset     bool // RSET stands in front
	unclean   bool // and in front of what follows, while this is undecided
	abandoned bool // Cancel came when part of it was lent
	counted   bool // it is one of the session's messages: see sessionUse
	taken     bool // a verdict on the content was a 2yz
	settled   bool

	turn   int32 // LMTP: the recipient whose verdict is awaited, or one before it
	weight int64 // in the window; 0: not asked yet

	// Where its octets and its content begin, where its end of data ends, unplanned
	// until that is, and where all of it ends that is planned.
	start, data, end, tail int64
	// Why the server will not have it, or not get it; once it is settled, why its
	// steps failed.
	failed error

	*pieces // nil: the content is planned at once, or the message has not begun
}

// deliverySteps are the futures of a delivery's commands.
type deliverySteps struct {
	mail future.Promise[wire.Reply]
	rcpt []future.Promise[wire.Reply]
}

// Mail settles with the reply to MAIL.
func (d *Delivery) Mail() *future.Future[wire.Reply] { return d.stepFutures().mail.Future() }

// Rcpt settles with the reply to the RCPT of recipient i of the envelope, in its
// order.
func (d *Delivery) Rcpt(i int) *future.Future[wire.Reply] { return d.stepFutures().rcpt[i].Future() }

// stepFutures makes the futures of the steps, which settle with what is known by
// now.
func (d *Delivery) stepFutures() *deliverySteps {
	if d.steps == nil {
		d.steps = &deliverySteps{rcpt: make([]future.Promise[wire.Reply], len(d.recipients))}
		d.settleMail()
		for i := range d.recipients {
			d.settleRcpt(i)
		}
	}
	return d.steps
}

// Result settles with the outcome: a Receipt if the message was accepted for at
// least one recipient and is unknown for none, else a *DeliveryError, which holds
// a Receipt too. Cancelling it is Cancel, without waiting for what that does.
func (d *Delivery) Result() *future.Future[Receipt] { return d.result.Future() }

// Cancel gives the message up and reports whether that could still be done: not
// once its end of data was lent. A message of which nothing was lent is taken
// back, and its futures settle at once. One that is being sent is aborted:
// replies that are due settle its futures in wire order, and where the server is
// about to take content, or takes the last of it already, the connection ends,
// because an end of data would deliver a message nobody wrote. By BDAT that is so
// only within the last chunk: ahead of it RSET clears the message away.
func (d *Delivery) Cancel() bool {
	c := d.c
	if d.settled || d.end <= c.out.lent || d.phase == phaseRejected || d.failed != nil && !d.undecided() {
		return false
	}
	inside := c.busy
	c.busy = true // rule 5 holds for callbacks of what settles here too
	d.cancel(c)
	if !inside {
		c.settle()
		c.busy = false
	}
	return true
}

func (d *Delivery) cancel(c *Client) {
	i := slices.Index(c.mem.flight, d)
	switch {
	case d.phase == phaseQueued:
		d.settle(ErrCanceled)
	case c.err != nil: // it is about to settle
		d.abandoned = true
	case c.writeErr == nil && (d.phase == phaseEncoded || d.start >= c.out.lent):
		// What follows it is planned anew: whether RSET is needed there may have changed.
		at := int64(unplanned)
		if d.phase != phaseEncoded {
			at = d.start
		}
		c.recall(i, at)
		d.settle(ErrCanceled)
	case d.chunked && c.writeErr == nil && d.end != unplanned && d.data >= c.out.lent:
		c.recall(i+1, d.data)
		d.end, d.tail = unplanned, d.data
		d.giveUp(c)
	case d.chunked && d.end == unplanned && (d.pipelined || d.phase == phaseContent):
		d.giveUp(c)
	default:
		d.abandoned = true
		// Once content is asked for, only the end of the connection keeps half a
		// message from being delivered.
		if d.phase >= phaseContent && c.failure == nil {
			c.failure = ErrAborted
		}
	}
}

// giveUp ends a message behind which the connection lives on.
func (d *Delivery) giveUp(c *Client) {
	d.abandoned = true
	d.stop(c)
}

func (d *Delivery) canceled() bool { return d.settled }
