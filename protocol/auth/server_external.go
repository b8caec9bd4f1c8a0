package auth

import "github.com/emersion/go-sasl"

// external is EXTERNAL (RFC 4422 appendix A).
func (s *Server) external() sasl.Server {
	return serve(MechanismExternal, []byte{}, func(response []byte) ([]byte, step, error) {
		identity := string(response)
		if !isText(identity) {
			return nil, nil, &MessageError{MechanismExternal, "malformed message"}
		}
		username, err := s.External()
		if err != nil {
			return nil, nil, refusal(err)
		}
		return nil, nil, s.authorize(identity, username)
	})
}

// anonymous is ANONYMOUS (RFC 4505).
func (s *Server) anonymous() sasl.Server {
	return serve(MechanismAnonymous, []byte{}, func(response []byte) ([]byte, step, error) {
		trace := string(response)
		if traceFault(trace) != "" {
			return nil, nil, &MessageError{MechanismAnonymous, "malformed message"}
		}
		if err := s.Anonymous(trace); err != nil {
			return nil, nil, err
		}
		s.granted("", "")
		return nil, nil, nil
	})
}
