"""A short and a longer text in every language that ragqa knows, for tests of languages."""

TEXTS = {
    "en": (
        "The printer is next to the kitchen.",
        (
            "The printer is on the second floor, next to the kitchen. "
            "If you have no access, ask the office for a key."
        ),
    ),
    "de": (
        "Der Drucker steht neben der Küche.",
        (
            "Der Drucker steht im zweiten Stock neben der Küche. "
            "Wer keinen Zugang hat, bittet die Verwaltung um einen Schlüssel."
        ),
    ),
    "fr": (
        "L'imprimante est à côté de la cuisine.",
        (
            "L'imprimante se trouve au deuxième étage, à côté de la cuisine. "
            "Si vous n'avez pas d'accès, demandez une clé au secrétariat."
        ),
    ),
    "es": (
        "La impresora está junto a la cocina.",
        (
            "La impresora está en el segundo piso, junto a la cocina. "
            "Si no tienes acceso, pide una llave en la oficina."
        ),
    ),
    "it": (
        "La stampante si trova accanto alla cucina.",
        (
            "La stampante si trova al secondo piso, accanto alla cucina. "
            "Chi non ha accesso chiede una chiave alla segreteria."
        ),
    ),
    "pt": (
        "A impressora fica ao lado da cozinha.",
        (
            "A impressora fica no segundo andar, ao lado da cozinha. "
            "Quem não tem acesso pede uma chave na secretaria."
        ),
    ),
    "nl": (
        "De printer staat naast de keuken.",
        (
            "De printer staat op de tweede verdieping naast de keuken. "
            "Wie geen toegang heeft, vraagt het kantoor om een sleutel."
        ),
    ),
    "da": (
        "Printeren står ved siden af køkkenet.",
        (
            "Printeren står på anden sal ved siden af køkkenet. "
            "Hvis du ikke har adgang, så bed kontoret om en nøgle."
        ),
    ),
    "no": (
        "Skriveren står ved siden av kjøkkenet.",
        (
            "Skriveren står i andre etasje ved siden av kjøkkenet. "
            "Hvis du ikke har tilgang, kan du be kontoret om en nøkkel."
        ),
    ),
    "sv": (
        "Skrivaren står bredvid köket.",
        (
            "Skrivaren står på andra våningen bredvid köket. "
            "Om du inte har tillträde kan du be kontoret om en nyckel."
        ),
    ),
    "fi": (
        "Tulostin on keittiön vieressä.",
        (
            "Tulostin on toisessa kerroksessa keittiön vieressä. "
            "Jos sinulla ei ole pääsyä, pyydä avain toimistosta."
        ),
    ),
    "hu": (
        "A nyomtató a konyha mellett van.",
        (
            "A nyomtató a második emeleten van, a konyha mellett. "
            "Ha nincs belépésed, kérj kulcsot az irodában."
        ),
    ),
    "ro": (
        "Imprimanta se află lângă bucătărie.",
        (
            "Imprimanta se află la etajul al doilea, lângă bucătărie. "
            "Dacă nu ai acces, cere o cheie la birou."
        ),
    ),
    "tr": (
        "Yazıcı mutfağın yanında duruyor.",
        (
            "Yazıcı ikinci katta, mutfağın yanında duruyor. "
            "Giriş izniniz yoksa ofisten bir anahtar isteyin."
        ),
    ),
    "ru": (
        "Принтер стоит рядом с кухней.",
        (
            "Принтер стоит на втором этаже рядом с кухней. "
            "Если у вас нет доступа, попросите ключ в офисе."
        ),
    ),
    "el": (
        "Ο εκτυπωτής είναι δίπλα στην κουζίνα.",
        (
            "Ο εκτυπωτής βρίσκεται στον δεύτερο όροφο, δίπλα στην κουζίνα. "
            "Αν δεν έχετε πρόσβαση, ζητήστε ένα κλειδί από το γραφείο."
        ),
    ),
    "ar": (
        "الطابعة بجانب المطبخ في الطابق الثاني.",
        (
            "توجد الطابعة في الطابق الثاني بجانب المطبخ. "
            "إذا لم يكن لديك إذن بالدخول فاطلب مفتاحا من المكتب."
        ),
    ),
    "ta": (
        "அச்சுப்பொறி சமையலறைக்கு அருகில் உள்ளது.",
        (
            "அச்சுப்பொறி இரண்டாவது மாடியில் சமையலறைக்கு அருகில் உள்ளது. "
            "அனுமதி இல்லையென்றால் அலுவலகத்தில் சாவி கேளுங்கள்."
        ),
    ),
    "zh": (
        "打印机在二楼厨房旁边。",
        "打印机在二楼厨房旁边。没有权限的人请向行政部门要钥匙。",
    ),
    "ja": (
        "プリンターは台所の隣にあります。",
        "プリンターは二階の台所の隣にあります。鍵がない人は管理部に聞いてください。",
    ),
    "ko": (
        "프린터는 부엌 옆에 있습니다.",
        "프린터는 2층 부엌 옆에 있습니다. 출입 권한이 없으면 사무실에 열쇠를 요청하세요.",
    ),
    "uk": (
        "Принтер стоїть поруч із кухнею.",
        (
            "Принтер стоїть на другому поверсі поруч із кухнею. "
            "Якщо у вас немає доступу, попросіть ключ в офісі."
        ),
    ),
    "pl": (
        "Drukarka stoi obok kuchni.",
        (
            "Drukarka stoi na drugim piętrze obok kuchni. "
            "Jeśli nie masz dostępu, poproś w biurze o klucz."
        ),
    ),
    "cs": (
        "Tiskárna stojí vedle kuchyně.",
        (
            "Tiskárna stojí ve druhém patře vedle kuchyně. "
            "Pokud nemáte přístup, požádejte v kanceláři o klíč."
        ),
    ),
    "ca": (
        "La impressora és al costat de la cuina.",
        (
            "La impressora és al segon pis, al costat de la cuina. "
            "Si no tens accés, demana una clau a l'oficina."
        ),
    ),
}
