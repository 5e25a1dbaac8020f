package exchange

import "strings"

// RequestKind tells from a request's head how its bytes will flow. Only
// HTTP/1.1 can upgrade; h2c is not an upgrade that we take part in: the offer
// is dropped and the request served as it is, which RFC 9110 §7.8 allows.
func RequestKind(protocolMajor int, in Fields) Kind {
	if protocolMajor == 1 && in.hasToken("Connection", "upgrade") {
		if up := in.get("Upgrade"); up != "" && !strings.EqualFold(up, "h2c") {
			return KindUpgrade
		}
	}
	if strings.HasPrefix(in.get("Content-Type"), "application/grpc") {
		return KindGRPC
	}
	if accept := in.get("Accept"); strings.HasPrefix(accept, "text/event-stream") {
		return KindEvents
	}
	return KindPlain
}

// responseKind corrects the kind by what the backend actually sends.
func responseKind(asked Kind, in Fields) Kind {
	if asked == KindPlain && strings.HasPrefix(in.get("Content-Type"), "text/event-stream") {
		return KindEvents
	}
	return asked
}
