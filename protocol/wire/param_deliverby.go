package wire

import (
	"strconv"
	"strings"
)

// maxByTime is the largest number of seconds BY can carry, either way.
const maxByTime = 999_999_999

// DeliverByTime is the value of BY (RFC 2852 §4). The zero value is none.
type DeliverByTime struct {
	// Seconds is the time left for delivery, up to 999,999,999 either way. With
	// ByReturn it is over 0; a ByNotify may be overdue.
	Seconds int64

	Mode  ByMode
	Trace bool // a report of each relaying is asked for
}

// ByMode says what happens to a message that is not delivered in time.
type ByMode byte

const (
	ByReturn ByMode = 'R' // it is returned
	ByNotify ByMode = 'N' // the sender is notified and delivery goes on
)

// RFC 2852 §4: by-value = by-time ";" by-mode [by-trace]
func (b *DeliverByTime) parse(v string) error {
	seconds, mode, found := strings.Cut(v, ";")
	if !found {
		return badValue("no mode")
	}
	digits := seconds
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	n, ok := parseDecimal(digits, 9)
	if !ok {
		return badValue("time is not 1 to 9 digits")
	}
	if seconds[0] == '-' {
		n = -n
	}
	if len(mode) == 0 || len(mode) > 2 || len(mode) == 2 && upper(mode[1]) != 'T' {
		return badValue("mode is not R, N, RT or NT")
	}
	by := DeliverByTime{Seconds: n, Mode: ByMode(upper(mode[0])), Trace: len(mode) == 2}
	if err := by.check(); err != nil {
		return err
	}
	*b = by
	return nil
}

func (b DeliverByTime) check() error {
	switch {
	case b.Mode != ByReturn && b.Mode != ByNotify:
		return badValue("mode is not R, N, RT or NT")
	case b.Mode == ByReturn && b.Seconds <= 0:
		// RFC 2852 §4: such a message would have to be returned at once.
		return badValue("time with mode R is not over 0")
	case b.Seconds < -maxByTime || b.Seconds > maxByTime:
		return badValue("time over 9 digits")
	}
	return nil
}

func (b DeliverByTime) appendTo(dst []byte) ([]byte, error) {
	if err := b.check(); err != nil {
		return dst, err
	}
	dst = strconv.AppendInt(dst, b.Seconds, 10)
	dst = append(dst, ';', byte(b.Mode))
	if b.Trace {
		dst = append(dst, 'T')
	}
	return dst, nil
}
