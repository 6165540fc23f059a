/* A PKCS#11 module for tests: SoftHSM2 behind it, with what a card has and SoftHSM2 has not. Three wrong PINs in a row
 * block it, and it is pulled out of its reader while the file named by TESTS_STRICT_CARD_OUT exists (checked at each
 * call that a card answers). Function list and structures: PKCS#11 2.40, base specification. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef struct { unsigned char version[2]; void *functions[68]; } list_t;
enum { GET_TOKEN_INFO = 6, OPEN_SESSION = 12, LOGIN = 18, SIGN_INIT = 42, SIGN = 43, FLAGS_OFFSET = 96 };
enum { OK = 0, DEVICE_REMOVED = 0x32, PIN_INCORRECT = 0xA0, PIN_LOCKED = 0xA4, TOKEN_NOT_PRESENT = 0xE0 };

static list_t inner, outer;
static int wrong;

static int out(void) {
    const char *file = getenv("TESTS_STRICT_CARD_OUT");
    return file && !access(file, F_OK);
}

static ulong_t token_info(ulong_t slot, void *info) {
    ulong_t answer = out() ? TOKEN_NOT_PRESENT : ((ulong_t (*)(ulong_t, void *))inner.functions[GET_TOKEN_INFO])(slot, info);
    if (answer == OK) {
        ulong_t flags;
        memcpy(&flags, (char *)info + FLAGS_OFFSET, sizeof flags);
        flags &= ~0x70000UL;
        flags |= wrong >= 3 ? 0x40000 : wrong == 2 ? 0x30000 : wrong == 1 ? 0x10000 : 0;
        memcpy((char *)info + FLAGS_OFFSET, &flags, sizeof flags);
    }
    return answer;
}

static ulong_t login(ulong_t session, ulong_t user, void *pin, ulong_t length) {
    if (out()) return DEVICE_REMOVED;
    if (wrong >= 3) return PIN_LOCKED;
    ulong_t answer = ((ulong_t (*)(ulong_t, ulong_t, void *, ulong_t))inner.functions[LOGIN])(session, user, pin, length);
    if (answer == PIN_INCORRECT) return ++wrong >= 3 ? PIN_LOCKED : PIN_INCORRECT;
    if (answer == OK) wrong = 0;
    return answer;
}

static ulong_t sign(ulong_t session, void *data, ulong_t length, void *signature, ulong_t *signed_length) {
    if (out()) return DEVICE_REMOVED;
    return ((ulong_t (*)(ulong_t, void *, ulong_t, void *, ulong_t *))inner.functions[SIGN])(session, data, length, signature, signed_length);
}

ulong_t C_GetFunctionList(list_t **list) {
    void *library = dlopen(getenv("TESTS_STRICT_CARD_MODULE"), RTLD_NOW | RTLD_LOCAL);
    ulong_t (*get)(list_t **) = library ? (ulong_t (*)(list_t **))dlsym(library, "C_GetFunctionList") : 0;
    list_t *found;
    if (!get || get(&found) != OK) return 6; /* CKR_FUNCTION_FAILED */
    inner = outer = *found;
    outer.functions[3] = (void *)C_GetFunctionList;
    outer.functions[GET_TOKEN_INFO] = (void *)token_info;
    outer.functions[LOGIN] = (void *)login;
    outer.functions[SIGN] = (void *)sign;
    *list = &outer;
    return OK;
}
