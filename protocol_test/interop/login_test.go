//go:build interop

package interop

const (
	wrongUser     = "stranger"
	wrongPassword = "tanstaaftanstaaf"
)
var secrets = []string{wrongPassword, "AHVzZXIAcGFzcw==", "cGFzcw=="}
