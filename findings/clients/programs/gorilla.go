package main

import (
	"fmt"
	"math/rand"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

func once() {
	dialer := websocket.Dialer{Subprotocols: []string{"rates.v1"}}
	socket, response, err := dialer.Dial(os.Args[1], nil)
	if err != nil {
		if response != nil {
			fmt.Println(err, response.StatusCode, after(response.Header.Get("Retry-After")))
		}
		return
	}
	defer socket.Close()
	for {
		_, text, err := socket.ReadMessage()
		if err != nil {
			fmt.Println(err)
			return
		}
		read(text)
	}
}

func main() {
	if !withLine {
		once()
	}
	for withLine { once(); time.Sleep(time.Duration(rand.Int63n(seconds * 1e9))) } // the line
}
