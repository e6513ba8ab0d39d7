-- How a plugin knows its daemon before it sends what opens it (docs/api.md, “Who answers”), for Lightroom (Lua 5.1, by
-- `require`) and darktable (Lua 5.4, by `dofile`).
--
-- HMAC (RFC 2104) with SHA-256 (FIPS 180-4) on 32-bit words as plain numbers: Lua 5.1 has no bit operators.

local proof = {}

local unpack = table.unpack or unpack

local WORD = 2 ^ 32
local BLOCK = 64 -- bytes

-- The bitwise "and" of two numbers below 16, at 16 a + b.
local AND = {}
for a = 0, 15 do
  for b = 0, 15 do
    local value = 0
    for bit = 0, 3 do
      local at = 2 ^ bit
      value = value + math.floor(a / at) % 2 * (math.floor(b / at) % 2) * at
    end
    AND[16 * a + b] = value
  end
end

local function both(a, b)
  local value, at = 0, 1
  for _ = 1, 8 do
    local low, other = a % 16, b % 16
    value = value + AND[16 * low + other] * at
    a, b, at = (a - low) / 16, (b - other) / 16, at * 16
  end
  return value
end

local function either(a, b) -- exclusive
  return a + b - 2 * both(a, b)
end

local function rotated(word, by)
  local low = word % 2 ^ by
  return (word - low) / 2 ^ by + low * 2 ^ (32 - by)
end

local function shifted(word, by)
  return math.floor(word / 2 ^ by)
end

-- The first 32 bits of the fractional part of a number.
local function fraction(number)
  return math.floor(number % 1 * WORD)
end

-- A cube root to the last bit that counts: what ^ gives may be off by one.
local function cubeRoot(number)
  local root = number ^ (1 / 3)
  return root - (root ^ 3 - number) / (3 * root ^ 2)
end

local ROUNDS, START = {}, {}
do
  local candidate = 2
  while #ROUNDS < 64 do
    local prime = true
    for divisor = 2, math.floor(candidate ^ 0.5) do
      prime = prime and candidate % divisor ~= 0
    end
    if prime then
      ROUNDS[#ROUNDS + 1] = fraction(cubeRoot(candidate))
      START[#START + 1] = #START < 8 and fraction(candidate ^ 0.5) or nil
    end
    candidate = candidate + 1
  end
end

-- The 64 words that a block is stretched to.
local function schedule(block)
  local words = {}
  for index = 1, 16 do
    local a, b, c, d = string.byte(block, 4 * index - 3, 4 * index)
    words[index] = ((a * 256 + b) * 256 + c) * 256 + d
  end
  for index = 17, 64 do
    local early, late = words[index - 15], words[index - 2]
    local first = either(either(rotated(early, 7), rotated(early, 18)), shifted(early, 3))
    local second = either(either(rotated(late, 17), rotated(late, 19)), shifted(late, 10))
    words[index] = (words[index - 16] + first + words[index - 7] + second) % WORD
  end
  return words
end

local function compress(state, block)
  local words = schedule(block)
  local a, b, c, d, e, f, g, h = unpack(state)
  for index = 1, 64 do
    local mixed = either(either(rotated(e, 6), rotated(e, 11)), rotated(e, 25))
    local chosen = both(e, f) + both(WORD - 1 - e, g)
    local first = h + mixed + chosen + ROUNDS[index] + words[index]
    mixed = either(either(rotated(a, 2), rotated(a, 13)), rotated(a, 22))
    local majority = both(a, b) + both(c, either(a, b))
    h, g, f, e, d, c, b, a = g, f, e, (d + first) % WORD, c, b, a, (first + mixed + majority) % WORD
  end
  for index, value in ipairs { a, b, c, d, e, f, g, h } do
    state[index] = (state[index] + value) % WORD
  end
end

-- The digest of a text, 32 bytes.
local function sha256(text)
  local length = #text
  local padded = text .. "\128" .. string.rep("\0", (55 - length) % BLOCK)
  for place = 7, 0, -1 do
    padded = padded .. string.char(math.floor(8 * length / 256 ^ place) % 256)
  end
  local state = { unpack(START) }
  for first = 1, #padded, BLOCK do
    compress(state, string.sub(padded, first, first + BLOCK - 1))
  end
  local bytes = {}
  for _, word in ipairs(state) do
    for place = 3, 0, -1 do
      bytes[#bytes + 1] = string.char(math.floor(word / 256 ^ place) % 256)
    end
  end
  return table.concat(bytes)
end

local function padWith(key, mask)
  return (string.gsub(key .. string.rep("\0", BLOCK - #key), ".", function(byte)
    return string.char(either(string.byte(byte), mask))
  end))
end

local function hmac(key, text)
  key = #key > BLOCK and sha256(key) or key
  local digest = sha256(padWith(key, 0x5C) .. sha256(padWith(key, 0x36) .. text))
  return (string.gsub(digest, ".", function(byte)
    return string.format("%02x", string.byte(byte))
  end))
end

-- A challenge that nobody can foresee who does not hold the token. unique: differs from all that were used.
function proof.challenge(token, unique)
  return string.sub(hmac(token, "challenge " .. unique), 1, 32)
end

-- The key that opens this run of the daemon; nil when what was answered to the challenge does not prove that it holds
-- the token. answer: of /api/health.
function proof.key(token, challenge, answer)
  local boot = type(answer) == "table" and answer.boot
  if type(boot) ~= "string" or answer.proof ~= hmac(token, "proof " .. challenge .. " " .. boot) then
    return nil
  end
  return hmac(token, "key " .. boot)
end

proof.hmac = hmac

return proof
