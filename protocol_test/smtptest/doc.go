// Package smtptest has SMTP and LMTP servers for tests of SMTP clients, of whatever
// make. It is to them what net/http/httptest is to clients of HTTP.
//
//	srv := smtptest.NewServer(smtptest.Config{
//		Faults: fault.MustParse("rcpt:2=450 4.2.1 later; content=drop"),
//	})
//	defer srv.Close()
//	err := smtp.SendMail(srv.Addr, nil, "a@example.com", to, message)
//	…
//	messages, err := srv.Wait(ctx, 1)
//
// A Server is a real one: it speaks all of the protocol, refuses what is wrong, and
// takes every message that is right. Messages has those it took, with what came
// beside them, and Transcript each conversation. A script in the language of package
// fault, or a function, makes it do something else at any step of a session: another
// reply, none, a late one, one in pieces, an end in the middle of the content.
//
// A command is read when the one before it is answered. So a client that pipelines
// sees nothing of it, and transcripts are the same each time.
package smtptest
