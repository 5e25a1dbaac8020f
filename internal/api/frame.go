package api

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// frame is one server-sent event, as it is sent.
type frame []byte

// newFrame writes value as the data of an event. What is ours to write can be
// written; where it cannot, there is no event.
func newFrame(name string, value any) frame {
	data, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return rawFrame(name, data)
}

// rawFrame writes what is JSON already, and so has no line ends.
func rawFrame(name string, data []byte) frame {
	var f bytes.Buffer
	f.Grow(len(name) + len(data) + len("event: \ndata: \n\n"))
	f.WriteString("event: ")
	f.WriteString(name)
	f.WriteString("\ndata: ")
	f.Write(data)
	f.WriteString("\n\n")
	return f.Bytes()
}

// numbered is a frame by whose id a stream is resumed.
func (f frame) numbered(id int64) frame {
	return append([]byte("id: "+strconv.FormatInt(id, 10)+"\n"), f...)
}
