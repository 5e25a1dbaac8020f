package exchange

import (
	"slices"
	"strings"
)

// RequestKind tells from a request's head how its bytes will flow. upgradable
// says whether this one could be upgraded at all.
func RequestKind(upgradable bool, in Fields) Kind {
	if upgradable && in.hasToken("Connection", "upgrade") && len(offers(in)) > 0 {
		return KindUpgrade
	}
	if strings.HasPrefix(in.get("Content-Type"), "application/grpc") {
		return KindGRPC
	}
	if accept := in.get("Accept"); strings.HasPrefix(accept, "text/event-stream") {
		return KindEvents
	}
	return KindPlain
}

// offers are the protocols that a request's sender would switch to. h2c is not
// among them: nobody speaks it on a connection that others use as well, so the
// offer is dropped and the request served as it is, which RFC 9110 §7.8 allows.
func offers(request Fields) []string {
	var protocols []string
	for _, line := range request["Upgrade"] {
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part != "" && !strings.EqualFold(part, "h2c") {
				protocols = append(protocols, part)
			}
		}
	}
	return protocols
}

// Offered reports whether a backend switched to something that the request offered.
func Offered(request, response Fields) bool {
	protocols := offers(request)
	chosen := offers(response)
	for _, protocol := range chosen {
		if !slices.ContainsFunc(protocols, func(p string) bool { return strings.EqualFold(p, protocol) }) {
			return false
		}
	}
	return len(chosen) > 0
}

// responseKind corrects the kind by what the backend actually sends: only
// event streams and gRPC have no end in sight, not an error page in their place.
func responseKind(asked Kind, in Fields) Kind {
	switch {
	case asked == KindGRPC:
		return asked
	case strings.HasPrefix(in.get("Content-Type"), "text/event-stream"):
		return KindEvents
	default:
		return KindPlain
	}
}
