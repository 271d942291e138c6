// The peer in Go: gorilla/websocket with PreparedMessage, with the same text from the same Redis channel.
package main

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

var (
	mutex    sync.Mutex
	clients  = map[*websocket.Conn]bool{}
	upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
)

func keep(w http.ResponseWriter, r *http.Request) {
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	mutex.Lock()
	clients[c] = true
	mutex.Unlock()
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			mutex.Lock()
			delete(clients, c)
			mutex.Unlock()
			return
		}
	}
}

// next reads one line of Redis' protocol, without its end.
func next(r *bufio.Reader) string {
	line, err := r.ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	return strings.TrimRight(line, "\r\n")
}

func listen(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	c.Write([]byte("SUBSCRIBE rates_update\r\n"))
	r := bufio.NewReaderSize(c, 1<<20)
	for {
		if next(r) != "*3" {
			continue
		}
		next(r)
		kind := next(r)
		next(r)
		next(r)
		if kind != "message" {
			continue
		}
		size, _ := strconv.Atoi(next(r)[1:])
		body := make([]byte, size+2)
		io.ReadFull(r, body)
		message, _ := websocket.NewPreparedMessage(websocket.TextMessage, body[:size])
		mutex.Lock()
		for client := range clients {
			client.WritePreparedMessage(message)
		}
		mutex.Unlock()
	}
}

func main() {
	redis, _ := url.Parse(os.Args[2])
	go listen(redis.Host)
	http.HandleFunc("/ws/rates", keep)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
