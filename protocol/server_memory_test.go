package protocol

import (
	"testing"
	"unsafe"
)

// An idle server is its struct and nothing else: thousands of them have to fit.
func TestIdleServerIsSmall(t *testing.T) { // rule 11
	if got := unsafe.Sizeof(Server{}); unsafe.Sizeof(uintptr(0)) == 8 && got > 768 {
		t.Errorf("%d octets", got)
	}
}
