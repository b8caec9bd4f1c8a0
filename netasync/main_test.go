package netasync_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// A Client leaves no goroutine behind, however its session ends.
func TestMain(m *testing.M) {
	if spec := os.Getenv(idleClients); spec != "" {
		holdIdle(spec)
		return
	}
	goleak.VerifyTestMain(m)
}
