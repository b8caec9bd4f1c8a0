package smtptest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A closed Server leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
