package routing

import "errors"

// ErrPath is wrapped by every error of NormalizePath. The router answers 400.
var ErrPath = errors.New("not a path the router can read")

// NormalizePath returns the path that matching reads; what is forwarded stays
// as it was.
func NormalizePath(rawPath string) (string, error) { return rawPath, nil }
