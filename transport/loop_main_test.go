package transport

import (
	"testing"

	"go.uber.org/goleak"
)

// A Loop leaves no goroutine behind, however its conversation ends.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
