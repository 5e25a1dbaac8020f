package proxy

import "net/http"

// How many bytes of HTTP/2 bodies are taken in before they are passed on. A
// stream that nobody reads holds as much, and no more; what a connection may
// hold is shared by its streams, so it has to be many times that, or one
// exchange that is stuck would hold up all others of its connection.
const (
	uploadPerStream     = 256 << 10 // from a client: 5 MB/s at a distance of 50 ms
	uploadPerConnection = 8 << 20
	downloadPerStream   = 512 << 10 // from a backend; net/http bounds its connections by 1 GiB
)

// clientFlow is how the data listener speaks HTTP/2.
func clientFlow() *http.HTTP2Config {
	return &http.HTTP2Config{MaxReceiveBufferPerStream: uploadPerStream, MaxReceiveBufferPerConnection: uploadPerConnection}
}

// backendFlow is how backends are spoken to.
func backendFlow() *http.HTTP2Config {
	return &http.HTTP2Config{
		SendPingTimeout: pingAfter, PingTimeout: pingAnswer,
		MaxReceiveBufferPerStream: downloadPerStream,
	}
}
