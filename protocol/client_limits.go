package protocol

import (
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// maxDomains is the largest RCPTDOMAINMAX that is kept: to count the domains of a
// session they have to be remembered.
const maxDomains = 1024

// sessionUse is what the limits of LIMITS count (RFC 9422 §4), over the whole
// connection.
type sessionUse struct {
	limits  wire.SessionLimits // as the last EHLO stated them
	mails   int
	domains map[string]struct{} // of recipients, in lower case; nil while no limit is stated
}

// prepareLimits holds the message against what the server said it would take, and
// counts it.
func (d *Delivery) prepareLimits(c *Client) error {
	p := &c.mem.params
	// RFC 2852 §4: the least time counts for messages that are to be returned.
	if p.By.Mode == wire.ByReturn {
		if least, stated := c.ext.DeliverByMin(); stated && p.By.Seconds < least {
			return &LimitError{Limit: "DELIVERBY", Have: p.By.Seconds, Min: least}
		}
	}
	if p.HoldFor != 0 || !p.HoldUntil.IsZero() {
		if seconds, until, stated := c.ext.HoldLimits(); stated {
			switch {
			case p.HoldFor > seconds:
				return &LimitError{Limit: "HOLDFOR", Have: p.HoldFor, Max: seconds}
			case p.HoldUntil.After(until):
				return &LimitError{Limit: "HOLDUNTIL", Have: p.HoldUntil.Unix(), Max: until.Unix()}
			}
		}
	}
	use := &c.use
	if max := use.limits.RcptMax; max > 0 && len(d.to) > max {
		return &LimitError{Limit: "RCPTMAX", Have: int64(len(d.to)), Max: int64(max)}
	}
	if d.counted {
		return nil // it was begun before, and taken back
	}
	if max := use.limits.MailMax; max > 0 && use.mails >= max {
		return &LimitError{Limit: "MAILMAX", Have: int64(use.mails) + 1, Max: int64(max)}
	}
	if err := use.countDomains(d.to); err != nil {
		return err
	}
	use.mails++
	d.counted = true
	return nil
}

// uncount takes the message out of the count of those that were begun, if nothing of
// it was ever lent.
func (d *Delivery) uncount() {
	if d.counted && (d.phase <= phaseEncoded || d.phase == phaseRejected || d.c.out.lent <= d.start) {
		d.counted = false
		d.c.use.mails--
	}
}

// countDomains adds the recipients' domains to those of the session.
func (u *sessionUse) countDomains(to []wire.Recipient) error {
	max := u.limits.RcptDomainMax
	if max == 0 || max > maxDomains {
		return nil
	}
	if u.domains == nil {
		u.domains = map[string]struct{}{}
	}
	var added []string
	for i := range to {
		domain := strings.ToLower(to[i].Path.Domain())
		if _, known := u.domains[domain]; !known && domain != "" {
			u.domains[domain] = struct{}{}
			added = append(added, domain)
		}
	}
	if have := len(u.domains); have > max {
		for _, domain := range added {
			delete(u.domains, domain)
		}
		return &LimitError{Limit: "RCPTDOMAINMAX", Have: int64(have), Max: int64(max)}
	}
	return nil
}
