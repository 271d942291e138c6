package main

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"time"

	"nhooyr.io/websocket"
)

func once() {
	options := &websocket.DialOptions{Subprotocols: []string{"rates.v1"}}
	socket, response, err := websocket.Dial(context.Background(), os.Args[1], options)
	if err != nil {
		if response != nil {
			fmt.Println("error", response.StatusCode, after(response.Header.Get("Retry-After")))
		}
		return
	}
	defer socket.Close(websocket.StatusNormalClosure, "")
	if withLine {
		socket.SetReadLimit(1 << 24)
	}
	for {
		_, text, err := socket.Read(context.Background())
		if err != nil {
			if code := websocket.CloseStatus(err); code >= 0 {
				fmt.Println("CloseStatus", int(code))
			} else {
				fmt.Println(err)
			}
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
