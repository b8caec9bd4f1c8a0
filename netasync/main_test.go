package netasync_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A Client leaves no goroutine behind, however its session ends.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
