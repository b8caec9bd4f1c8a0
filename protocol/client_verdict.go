package protocol

import (
	"errors"
	"slices"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// decide records what became of the message for recipient i.
func (d *Delivery) decide(i int, r *wire.Reply) {
	d.recipients[i].Outcome, d.recipients[i].Reply = outcomeOf(r.Code), *r
}

// decideRest records a verdict for every recipient that has none yet.
func (d *Delivery) decideRest(r *wire.Reply) {
	outcome := outcomeOf(r.Code)
	for i := range d.recipients {
		if to := &d.recipients[i]; to.Reply.Code == 0 {
			to.Outcome, to.Reply = outcome, *r
		}
	}
}

// outcomeOf is what a verdict means to those who were not refused before.
func outcomeOf(verdict wire.Code) Outcome {
	if verdict.Positive() {
		return Accepted
	}
	return Refused
}

// undecided reports whether any recipient has no verdict.
func (d *Delivery) undecided() bool {
	return slices.ContainsFunc(d.recipients, func(r RecipientResult) bool { return r.Reply == wire.Reply{} })
}

// settle settles whatever of the message is not settled yet, the steps in wire
// order and the result last. err is the cause if the message was not accepted.
//
// What is unknown follows from what was lent, not from what was acknowledged: the
// server may have octets whose acknowledgement was lost.
func (d *Delivery) settle(err error) { d.settleWith(err, err) }

// settleWith is settle where the steps that have no reply fail with another error
// than the message.
func (d *Delivery) settleWith(missing, err error) {
	if d.settled {
		return
	}
	d.settled, d.failed = true, missing
	d.uncount()
	receipt := d.receipt(d.recipients, d.end <= d.c.out.lent, err)
	if d.pieces != nil && d.source != nil {
		d.c.hold(d.source, d.pieceEnd)
		d.source = nil
	}
	d.settleMail()
	if d.steps != nil {
		for i := range d.recipients {
			d.settleRcpt(i)
		}
	}
	if receipt.Outcome == Accepted {
		d.result.Resolve(receipt)
	} else {
		d.result.Reject(&DeliveryError{Receipt: receipt, Err: err})
	}
}

// receipt returns what became of the message for recipients, if the connection is lost
// behind its end of data or not, by err.
func (d *Delivery) receipt(recipients []RecipientResult, lost bool, err error) Receipt {
	receipt := Receipt{Reply: d.final, Recipients: recipients}
	var outcomes uint8
	for i := range recipients {
		r := &recipients[i]
		if lost && r.Reply.Code == 0 {
			r.Outcome, r.Reply = Unknown, lastWord(err)
		}
		outcomes |= 1 << r.Outcome
	}
	if len(recipients) > 0 {
		receipt.Outcome = overall(outcomes)
	}
	return receipt
}

// Receipt returns what is known of the message by now: before its Result has settled, what
// that would be if the connection were lost.
func (d *Delivery) Receipt() Receipt {
	lost := !d.settled && d.end <= d.c.out.lent
	return d.receipt(slices.Clone(d.recipients), lost, nil)
}

// fail implements task.
func (d *Delivery) fail(_ *Client, err error) {
	if d.abandoned && err == ErrAborted {
		err = ErrCanceled
	}
	if d.phase == phaseRejected {
		err = d.failed
	}
	if d.phase != phaseQueued && !d.undecided() {
		// A retry would be refused again, whatever happened to the connection since.
		d.settleWith(err, d.verdict())
		return
	}
	d.settle(err)
}

// verdict is the error of a transaction that was answered in full; nil if it was
// accepted.
func (d *Delivery) verdict() error {
	if d.from.Code != 0 && (d.accepted == 0 || !d.from.Positive()) {
		return d.refusal()
	}
	return d.failed
}

// overall is the outcome of a message whose recipients have the outcomes of which
// set holds a bit each.
func overall(set uint8) Outcome {
	for _, o := range [...]Outcome{Unknown, Accepted, NotDelivered} {
		if set&(1<<o) != 0 {
			return o
		}
	}
	return Refused
}

// lastWord returns the 421 that ended a connection, if one did.
func lastWord(err error) wire.Reply {
	if reply := (*ReplyError)(nil); errors.As(err, &reply) && reply.Reply.Code == wire.CodeNotAvailable {
		return reply.Reply
	}
	return wire.Reply{}
}

// refusal is the error of a transaction that ended by refusals alone.
func (d *Delivery) refusal() error {
	if !d.from.Positive() {
		return d.mailError()
	}
	refused := make([]*ReplyError, 0, len(d.recipients))
	for i := range d.recipients {
		if !d.recipients[i].Rcpt.Positive() {
			refused = append(refused, d.rcptError(i))
		}
	}
	if len(refused) == 1 {
		return refused[0]
	}
	return &RecipientsError{Refused: refused}
}

func (d *Delivery) mailError() *ReplyError { return &ReplyError{Reply: d.from, Command: wire.VerbMail} }

func (d *Delivery) rcptError(i int) *ReplyError {
	return &ReplyError{Reply: d.recipients[i].Rcpt, Command: wire.VerbRcpt, Recipient: d.to[i].Path.String()}
}

// settleMail settles the future of MAIL, if it was asked for and its reply is
// read, or never will be.
func (d *Delivery) settleMail() {
	switch {
	case d.steps == nil:
	case d.from.Positive():
		d.steps.mail.Resolve(d.from)
	case d.from.Code != 0:
		d.steps.mail.Reject(d.mailError())
	case d.settled:
		d.steps.mail.Reject(d.failed)
	}
}

// settleRcpt does the same for the RCPT of recipient i.
func (d *Delivery) settleRcpt(i int) {
	if d.steps == nil {
		return
	}
	switch r := d.recipients[i].Rcpt; {
	case r.Positive():
		d.steps.rcpt[i].Resolve(r)
	case r.Code != 0:
		d.steps.rcpt[i].Reject(d.rcptError(i))
	case d.settled:
		d.steps.rcpt[i].Reject(d.failed)
	}
}
