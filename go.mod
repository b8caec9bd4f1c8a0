module github.com/sansmtp/sansmtp

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)
