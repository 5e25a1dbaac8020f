package telemetry

import (
	"net/http"

	"github.com/stranglerfig/strangler/internal/routing"
)

// method is a request's method as a label: one of the standard ones, or OTHER
// for what a client has made up.
type method uint8

const (
	methodOther method = iota
	methodGet
	methodHead
	methodPost
	methodPut
	methodPatch
	methodDelete
	methodOptions
	methodConnect
	methodTrace
)

func methodOf(name string) method {
	switch name {
	case http.MethodGet:
		return methodGet
	case http.MethodHead:
		return methodHead
	case http.MethodPost:
		return methodPost
	case http.MethodPut:
		return methodPut
	case http.MethodPatch:
		return methodPatch
	case http.MethodDelete:
		return methodDelete
	case http.MethodOptions:
		return methodOptions
	case http.MethodConnect:
		return methodConnect
	case http.MethodTrace:
		return methodTrace
	default:
		return methodOther
	}
}

// String returns the label.
func (m method) String() string {
	return [...]string{
		"OTHER", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace,
	}[m]
}

// source is where a request's cohort key came from, as a label.
type source uint8

const (
	sourceNone source = iota
	sourceHeader
	sourceCookie
	sourceClaim
	sourceClientAddress
	sourceMintedCookie
)

func sourceOf(a *routing.Assignment) source {
	if !a.Keyed {
		return sourceNone
	}
	switch a.Key {
	case routing.KeyHeader:
		return sourceHeader
	case routing.KeyCookie:
		return sourceCookie
	case routing.KeyClaim:
		return sourceClaim
	case routing.KeyClientAddress:
		return sourceClientAddress
	default:
		return sourceMintedCookie
	}
}

// String returns the label.
func (s source) String() string {
	return [...]string{"none", "header", "cookie", "claim", "client_address", "minted_cookie"}[s]
}
