package protocol

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// prepare settles the parameters by what the server offers, what the envelope asks
// for and what the content holds. Whatever is wrong is found here, before anything
// is written.
func (d *Delivery) prepare(c *Client) error {
	if err := c.allowed(); err != nil {
		return &ConfigError{Field: wire.VerbMail, Err: err}
	}
	if c.hello == "" {
		return &ConfigError{Field: wire.VerbMail, Err: ErrHelloFirst}
	}
	p, needs := &c.mem.params, d.needs
	if d.params != nil {
		*p = *d.params
		needs |= p.Needs()
	} else {
		*p = wire.MailParams{}
	}
	survey, whole := surveyOf(d.body)
	if err := d.prepareUTF8(c, survey, whole); err != nil {
		return err
	}
	if p.SMTPUTF8 {
		needs |= wire.SMTPUTF8 | wire.EightBitMIME // RFC 6531 §3.1: item 8
	}
	if p.Body == wire.Body7Bit && c.set&wire.EightBitMIME == 0 {
		needs &^= wire.EightBitMIME // the default needs no parameter
	}
	if p.SMTPUTF8 && c.set&wire.SMTPUTF8 == 0 {
		return &ConfigError{Field: "SMTPUTF8", Err: ErrNotOffered}
	}
	if missing := needs &^ wire.Size &^ c.set; missing != 0 {
		first := wire.ExtensionSet(1) << bits.TrailingZeros32(uint32(missing))
		return &ConfigError{Field: first.String(), Err: ErrNotOffered}
	}
	if err := d.prepare8Bit(c, survey, whole); err != nil {
		return err
	}
	// RFC 8689 §4.1: only where the next hop is known to be whom it claims to be.
	if p.RequireTLS && !(c.tls.Active() && c.tls.Verified) {
		return &ConfigError{Field: "REQUIRETLS", Reason: "the server's certificate was not verified"}
	}
	if err := d.prepareSize(c, survey, whole); err != nil {
		return err
	}
	return d.prepareLimits(c)
}

// surveyOf returns what is known of the content before it is read.
func surveyOf(body Body) (s *wire.Survey, whole bool) {
	switch b := body.(type) {
	case *memoryBody:
		return &b.survey, true
	case Surveyed:
		survey, whole := b.Survey()
		return &survey, whole
	}
	return new(wire.Survey), false
}

// prepareUTF8 asks for SMTPUTF8 where a path or the header section of the content
// needs it (RFC 6531 §3.4), or does without where it cannot be had.
func (d *Delivery) prepareUTF8(c *Client, survey *wire.Survey, whole bool) error {
	p := &c.mem.params
	usable := c.set.Has(wire.SMTPUTF8 | wire.EightBitMIME)
	asked := p.SMTPUTF8
	p.SMTPUTF8 = asked || d.utf8Path || survey.HeaderUTF8() && (usable || !c.cfg.Allow8Bit)
	if d.utf8Path && !asked && !usable && c.cfg.ToASCII != nil {
		if err := d.toASCII(c); err != nil {
			return err
		}
		p.SMTPUTF8 = survey.HeaderUTF8() && !c.cfg.Allow8Bit
	}
	d.utf8 = p.SMTPUTF8
	if d.pieces != nil {
		d.asciiHeader = !whole && !survey.HeaderEnded() && !p.SMTPUTF8 && !c.cfg.Allow8Bit
	}
	return nil
}

// toASCII writes the domains of all paths with A-labels. A local part has no such
// form.
func (d *Delivery) toASCII(c *Client) error {
	convert := func(path wire.Path, field func() string) (wire.Path, error) {
		ascii, err := path.ToASCII(c.cfg.ToASCII)
		if err != nil {
			return path, &ConfigError{Field: field(), Reason: "the domain has no form in US-ASCII", Err: err}
		}
		if ascii.IsUTF8() {
			return path, &ConfigError{Field: "SMTPUTF8", Err: ErrNotOffered}
		}
		if err := d.checkPath(&ascii); err != nil {
			return path, &ConfigError{Field: field(), Err: err}
		}
		return ascii, nil
	}
	from, err := convert(d.sender, func() string { return "From" })
	if err != nil {
		return err
	}
	to := slices.Clone(d.to)
	for i := range to {
		to[i].Path, err = convert(to[i].Path, func() string { return "To[" + strconv.Itoa(i) + "]" })
		if err != nil {
			return err
		}
	}
	d.sender, d.to, d.utf8Path = from, to, false
	return nil
}

// prepare8Bit holds what BODY says against the content (RFC 6152 §3).
func (d *Delivery) prepare8Bit(c *Client, survey *wire.Survey, whole bool) error {
	p := &c.mem.params
	offered := c.set&wire.EightBitMIME != 0
	only7Bit := p.Body == wire.Body7Bit || !offered && !c.cfg.Allow8Bit
	if only7Bit && survey.EightBit() {
		return d.not7Bit()
	}
	if d.pieces != nil {
		d.only7Bit = only7Bit && !whole
	}
	switch {
	case !offered:
		p.Body = wire.BodyNotStated
	case p.Body == wire.BodyNotStated:
		p.Body = wire.Body8BitMIME
	}
	return nil
}

// not7Bit is the error of content with octets outside US-ASCII where there must be
// none.
func (d *Delivery) not7Bit() error {
	if d.params != nil && d.params.Body == wire.Body7Bit {
		return &ConfigError{Field: "BODY", Reason: "7BIT, but the content has octets outside US-ASCII"}
	}
	return &ConfigError{Field: "8BITMIME", Err: ErrNotOffered}
}

// prepareSize declares the size of the content where that is known and asked for
// (RFC 1870 §6), and holds it against the server's limit.
func (d *Delivery) prepareSize(c *Client, survey *wire.Survey, whole bool) error {
	p := &c.mem.params
	size := d.body.Size()
	if d.pieces != nil {
		d.declared = size
	}
	if whole {
		switch {
		case size >= 0 && survey.Octets() != size:
			return &BodyError{Err: notPromised(survey.Octets(), size)}
		case survey.Bare() && !d.binary() && c.cfg.EOL == wire.EOLStrict:
			return &BodyError{Err: errBareInMemory}
		}
		if !d.binary() {
			size = survey.Size()
		}
	}
	if c.set&wire.Size == 0 {
		p.Size = 0
		return nil
	}
	if p.Size == 0 && size > 0 {
		p.Size = size
	}
	if c.sizeLimit > 0 && p.Size > c.sizeLimit {
		return &LimitError{Limit: "SIZE", Have: p.Size, Max: c.sizeLimit}
	}
	return nil
}

// notPromised is the error of content that has other octets than its body said.
func notPromised(octets, declared int64) error {
	return fmt.Errorf("source yields %d octets, but promised %d", octets, declared)
}

// inspect looks at a piece of content that nobody could look through before: it
// must not hold more than MAIL said. read has been told of it.
func (d *Delivery) inspect(c *Client, p []byte, last bool) error {
	if !d.only7Bit && !d.asciiHeader {
		return nil
	}
	s := &c.mem.survey
	if d.read == int64(len(p)) {
		*s = wire.Survey{}
	}
	s.Write(p)
	if d.only7Bit && s.EightBit() {
		return d.not7Bit()
	}
	if d.asciiHeader && (last || s.HeaderEnded()) {
		d.asciiHeader = false
		if s.HeaderUTF8() {
			if c.set.Has(wire.SMTPUTF8 | wire.EightBitMIME) {
				return errHeaderUTF8
			}
			return &ConfigError{Field: "SMTPUTF8", Err: ErrNotOffered}
		}
	}
	return nil
}

var errHeaderUTF8 = &ConfigError{Field: "SMTPUTF8", Reason: "not asked for, but the header section has UTF-8"}
