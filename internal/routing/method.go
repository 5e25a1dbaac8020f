package routing

import (
	"fmt"
	"strings"
)

// methodSet is a set of the usual methods; all others share one bit.
type methodSet uint8

const (
	otherMethod methodSet = 1 << 7
	anyMethod   methodSet = 1<<8 - 1
)

func methodOf(method string) methodSet {
	switch method {
	case "GET":
		return 1 << 0
	case "HEAD":
		return 1 << 1
	case "POST":
		return 1 << 2
	case "PUT":
		return 1 << 3
	case "PATCH":
		return 1 << 4
	case "DELETE":
		return 1 << 5
	case "OPTIONS":
		return 1 << 6
	default:
		return otherMethod
	}
}

// methodsOf is the set of a route's method list; none is any.
func methodsOf(methods []string) methodSet {
	if len(methods) == 0 {
		return anyMethod
	}
	var set methodSet
	for _, method := range methods {
		set |= methodOf(method)
	}
	return set
}

// checkMethod refuses what no request line can carry, or what was meant otherwise.
func checkMethod(method string) error {
	if !isToken(method) {
		return fmt.Errorf("%q is not a method: write one like GET", method)
	}
	if upper := strings.ToUpper(method); upper != method {
		return fmt.Errorf("method %q would never match: methods are case-sensitive, write %q", method, upper)
	}
	return nil
}
