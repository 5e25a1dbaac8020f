// Package proxy is the data plane: it listens, forwards each request to the
// side its route is assigned to, and streams the answer back.
//
// A request passes five steps, which Proxy.ServeHTTP lists. What comes next in
// an exchange is decided by package exchange, without I/O; this package is its
// driver on net/http and moves the bytes.
package proxy
