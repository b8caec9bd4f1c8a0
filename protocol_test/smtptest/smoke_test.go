package smtptest_test

import (
	"fmt"
	"net/smtp"
	"testing"

	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

func TestSmoke(t *testing.T) {
	srv := smtptest.NewServer(smtptest.Config{Faults: fault.MustParse("rcpt:2=450 4.2.1 later; ehlo=split")})
	defer srv.Close()
	err := smtp.SendMail(srv.Addr, nil, "a@example.com", []string{"b@example.com"}, []byte("Subject: x\r\n\r\n.hello\r\n"))
	fmt.Println(err)
	err = smtp.SendMail(srv.Addr, nil, "a@example.com", []string{"b@example.com", "c@example.com"}, []byte("Subject: x\r\n\r\n.hello\r\n"))
	fmt.Println(err)
	m, err := srv.Wait(t.Context(), 1)
	fmt.Printf("%+v %v\n", *m[0], err)
	for _, tr := range srv.Transcript() {
		fmt.Println(tr)
	}
}
